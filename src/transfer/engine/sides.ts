import type { Host, Session } from '../../connector/connector.ts'
import { connectorFor } from '../../connector/registry.ts'
import type { SideSpec } from './execution_spec.ts'

export type { Side as SideName } from '../../job/endpoint.ts'

/** Sessions of a job's sides. Leaving the block of one closes them, also where the next can't be opened. */
export class OpenSides implements AsyncDisposable {
  readonly #open = new AsyncDisposableStack()

  /** @throws ConnectorError */
  async open({ platform, auth }: Pick<SideSpec, 'platform' | 'auth'>, host?: Host): Promise<Session> {
    return this.#open.adopt(await connectorFor(platform).open(auth, host), closeQuietly)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open.disposeAsync()
  }
}

/** Every call has said for itself how it ended; an error here would only take the place of the one that matters. */
async function closeQuietly(session: Session): Promise<void> {
  try {
    await session.close()
  } catch {
    // Nothing depends on it.
  }
}
