import type { Catalog } from '../catalog/catalog.ts'
import type { Capabilities, CapabilityNote } from '../connector/capabilities.ts'
import { ConnectorError, type ErrorCode } from '../connector/errors.ts'
import type { Principal } from '../connector/item.ts'
import { connectorFor } from '../connector/registry.ts'

type Tried =
  | { works: true; account: Principal | undefined; notes: readonly CapabilityNote[]; capabilities: Capabilities }
  | { works: false; code: ErrorCode | 'Disabled'; why: string }

/** Opens a stored connection, looks at its root or another folder, and closes it: what works, or the reason in one sentence. */
export async function tryConnection(id: string, catalog: Catalog, path = '/'): Promise<Tried> {
  const connection = await catalog.connections.reveal(id)
  if (connection === undefined) return { works: false, code: 'Misconfigured', why: `there is no connection ${id}` }
  try {
    const session = await connectorFor(connection.platform).open(connection.auth)
    try {
      if ((await session.root(path)) === null)
        return {
          works: false,
          code: 'RootGone',
          why: path === '/' ? 'its root does not exist' : `${JSON.stringify(path)} does not exist there`,
        }
      const { account, notes, capabilities } = session
      return { works: true, account, notes, capabilities }
    } finally {
      await session.close()
    }
  } catch (error) {
    if (error instanceof ConnectorError) return { works: false, code: error.code, why: error.message }
    throw error
  }
}
