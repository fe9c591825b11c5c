import type { Catalog, StoredConnection } from '../catalog/catalog.ts'
import { isObject } from '../json/json.ts'
import { Unacceptable, type Problem } from '../problem.ts'
import { checkConnection, defaultName } from './connection.ts'
import { mergePatch } from './merge_patch.ts'
import { tryConnection } from './try_connection.ts'
import { refuseWhileUsed, sayUsers } from './users.ts'

/**
 * Changes a stored connection by some of its keys; those left out stay, secrets too, and null takes one away. Its platform
 * stays what it is.
 *
 * @throws Unacceptable with every problem found; nothing is changed then
 */
export async function editConnection(
  stored: StoredConnection,
  change: Record<string, unknown>,
  catalog: Catalog,
): Promise<{ connection: StoredConnection; warnings: Problem[] }> {
  const { id, platform, disabled } = stored
  const auth = (await catalog.connections.reveal(id))?.auth ?? stored.auth
  // A name that we made says where it leads, and follows.
  const name = stored.name === defaultName(stored) ? {} : { name: stored.name }
  const checked = checkConnection(mergePatch({ ...name, platform: { id: platform }, auth, disabled }, change))
  if ('problems' in checked) throw new Unacceptable(checked.problems)
  const { connection } = checked
  if (connection.platform !== platform)
    throw new Unacceptable([
      { code: 'create_only', property: 'platform.id', description: `stays ${platform}: make another connection` },
    ])
  const changed = await catalog.connections.update(id, {
    ...connection,
    name: connection.name ?? defaultName(connection),
  })
  const warnings = await connectionWarnings(changed, catalog)
  return { connection: changed, warnings: [...warnings, ...(isObject(change.auth) ? await underWay(id, catalog) : [])] }
}

/** @throws InUse naming the jobs and maps that refer to it */
export async function deleteConnection({ id, name }: StoredConnection, catalog: Catalog): Promise<void> {
  refuseWhileUsed(`connection ${JSON.stringify(name)}`, await catalog.connections.users(id))
  await catalog.connections.delete(id)
}

/** What is wrong with a connection that is stored all the same: its disk may be mounted, or its server started, later. */
export async function connectionWarnings({ id, disabled }: StoredConnection, catalog: Catalog): Promise<Problem[]> {
  if (disabled) return []
  const tried = await tryConnection(id, catalog)
  return tried.works ? [] : [{ code: 'not_working', description: `it is stored, but does not work now: ${tried.why}` }]
}

async function underWay(id: string, catalog: Catalog): Promise<Problem[]> {
  const users = []
  for (const user of await catalog.connections.users(id)) {
    const job = user.type === 'job' ? await catalog.jobs.get(user.id) : undefined
    const run = job && (await catalog.executions.get(job.id, job.lastExecution))
    if (run && run.endedOn === null) users.push(user)
  }
  if (users.length === 0) return []
  const description = `a worker that has it open goes on with the former settings: ${sayUsers(users)}`
  return [{ code: 'under_way', property: 'auth', description }]
}
