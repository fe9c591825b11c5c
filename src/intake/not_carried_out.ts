import type { Catalog, StoredJob } from '../catalog/catalog.ts'
import { readJob } from '../job/document.ts'
import { notCarriedOut, type NotCarriedOut } from '../job/carried_out.ts'
import { sides } from '../job/endpoint.ts'
import { mapTypes } from '../job/maps.ts'
import type { Problem } from '../problem.ts'
import type { Inert } from '../report/summary.ts'

type Documented = Pick<StoredJob, 'document'>

/**
 * What keeps a job from starting, stored or only checked: settings that are not carried out here although leaving them out could lose,
 * expose or overwrite something (brake 12). Empty when it may start.
 */
export async function refusals(job: Documented, catalog: Catalog): Promise<Problem[]> {
  const found = await notCarriedOutBy(job, catalog)
  return found.refusals.map(({ path, message }) => ({ code: 'not_carried_out', property: path, description: message }))
}

/** Settings of a job that change nothing here. */
export async function inertSettings(job: Documented, catalog: Catalog): Promise<Inert[]> {
  const found = await notCarriedOutBy(job, catalog)
  return found.warnings.map(({ path, message }) => ({ path, why: message }))
}

async function notCarriedOutBy(job: Documented, catalog: Catalog): Promise<NotCarriedOut> {
  const read = readJob(job.document)
  if (!read.ok) return { warnings: [], refusals: read.problems }
  const [source, destination] = await Promise.all(
    sides.map(async (side) => {
      const { connection } = read.job.transfer[side]
      if (!('id' in connection)) return { platform: connection.platform.id, ...ignoring(connection.auth) }
      const stored = await catalog.connections.get(connection.id)
      return { platform: stored?.platform ?? '', ...ignoring(stored?.auth) }
    }),
  )
  const [accountMap, groupMap] = await Promise.all(
    mapTypes.map(async (type) => {
      const map = read.job.transfer[type]
      return map && 'id' in map ? (await catalog.maps.get(type, map.id))?.document : undefined
    }),
  )
  return notCarriedOut(read.job, { source: source!, destination: destination!, accountMap, groupMap })
}

function ignoring(auth: Record<string, unknown> = {}): { ignoresImpersonation: boolean } {
  return { ignoresImpersonation: auth.impersonation === 'ignore' }
}
