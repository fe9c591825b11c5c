import type { Catalog, StoredJob } from '../catalog/catalog.ts'
import { sides } from '../job/endpoint.ts'
import { objectOrEmpty } from '../json/json.ts'
import type { Problem } from '../problem.ts'
import { tryConnection } from './try_connection.ts'

/** What passes by itself is waited for by the execution. */
const passing: ReadonlySet<string> = new Set(['Throttled', 'Unreachable', 'QuotaExceeded'])

/** Why an execution would fail to start as things are: what does not open, or is not there. The destination's folder is made. */
export async function startProblems({ document }: Pick<StoredJob, 'document'>, catalog: Catalog): Promise<Problem[]> {
  const problems: Problem[] = []
  for (const side of sides) {
    const { connection, target } = objectOrEmpty(objectOrEmpty(document.transfer)[side])
    const { path } = objectOrEmpty(target)
    const from = side === 'source' && typeof path === 'string' ? path : '/'
    const tried = await tryConnection(String(objectOrEmpty(connection).id), catalog, from)
    if (tried.works || passing.has(tried.code)) continue
    problems.push({
      code: 'would_not_start',
      property: `transfer.${side}.connection`,
      description: `it would fail to start: ${tried.why}`,
    })
  }
  return problems
}
