import type { Page, Session } from '../../connector/connector.ts'
import type { ContainerToList, TrackedRow } from '../../ledger/ledger.ts'
import { Suspended } from '../engine/errors.ts'
import type { ExecutionContext } from '../engine/execution_context.ts'
import { Stop, type StopToken } from '../io/stop.ts'

/** @throws Suspended when the listing is to be put down; what it found so far is found again */
export function goOnUnless(stop: StopToken): void {
  if (stop.reason !== Stop.run) throw new Suspended('stopped while listing')
}

/** One way to walk pages, whether the session answers at once or later. */
export function pages(
  session: Session,
  id: string,
  want: Parameters<Session['list']>[1],
): AsyncIterable<Page> | Iterable<Page> {
  return session.list(id, want)
}

export async function* trackedChildren(
  context: ExecutionContext,
  container: ContainerToList,
): AsyncGenerator<TrackedRow[]> {
  for (let after = 0; ;) {
    const page = await context.ledger.tracked(container.item, after)
    const last = page.at(-1)
    if (!last) return
    yield page
    after = last.item
  }
}
