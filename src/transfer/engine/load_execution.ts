import { availableParallelism } from 'node:os'
import type { Catalog, MapType, StoredJob } from '../../catalog/catalog.ts'
import { connectorFor } from '../../connector/registry.ts'
import { readJob, type JobDocument } from '../../job/document.ts'
import { settingsOf } from '../../job/settings_of.ts'
import type { Settings } from '../../job/settings.ts'
import { parallelWrites } from '../../policy/parallel_writes.ts'
import { FailedToStart } from './errors.ts'
import type { ExecutionRef } from './engine.ts'
import type { ExecutionSpec, Limits, SideSpec } from './execution_spec.ts'
import { sharedPace } from '../io/pace.ts'
import type { SideName } from './sides.ts'

export interface LoadedExecution {
  stored: StoredJob
  document: JobDocument
  settings: Settings
  spec: ExecutionSpec
}

/** Two seconds: the coarsest clock among the file systems people move between (FAT). */
const clockToleranceNs = 2_000_000_000n

/**
 * Everything one execution needs, read from the catalog; an execution not begun before begins.
 * @throws FailedToStart naming every missing connection or map, and every problem of the document
 */
export async function loadExecution(
  catalog: Catalog,
  { jobId, execution }: ExecutionRef,
  limits: Limits,
): Promise<LoadedExecution> {
  const read = await readStored(catalog, jobId)
  const begun = await catalog.executions.begin(jobId, execution, read.settings.simulationMode)
  // As it began: the document may have been changed since, and a simulation goes on as one.
  return specified(read, { execution, simulated: begun.simulated, startedOn: begun.startedOn }, limits)
}

/**
 * The job as it is stored now, by the clock of its last execution: for those who only look. Begins nothing.
 * @throws FailedToStart as {@link loadExecution}
 */
export async function loadLastJobSpec(catalog: Catalog, jobId: string, limits: Limits): Promise<LoadedExecution> {
  const read = await readStored(catalog, jobId)
  const { lastExecution: execution } = read.stored
  const last = execution > 0 ? await catalog.executions.get(jobId, execution) : undefined
  return specified(read, { execution, simulated: false, startedOn: last?.startedOn ?? read.stored.createdOn }, limits)
}

type Stored = Omit<LoadedExecution, 'spec'> & Pick<ExecutionSpec, 'source' | 'destination' | 'accountMap' | 'groupMap'>

async function readStored(catalog: Catalog, jobId: string): Promise<Stored> {
  const stored = await catalog.jobs.get(jobId)
  if (!stored) throw new FailedToStart([`job ${jobId} is not in the catalog`])
  const read = readJob(stored.document)
  if (!read.ok) throw new FailedToStart(read.problems.map((problem) => `${problem.path}: ${problem.message}`))
  const document = read.job
  const reasons: string[] = []
  const source = await side(catalog, document, 'source', reasons)
  const destination = await side(catalog, document, 'destination', reasons)
  const accountMap = await map(catalog, document, 'account_map', reasons)
  const groupMap = await map(catalog, document, 'group_map', reasons)
  if (!source || !destination || reasons.length > 0) throw new FailedToStart(reasons)
  return {
    stored,
    document,
    settings: settingsOf(document),
    source,
    destination,
    ...(accountMap ? { accountMap } : {}),
    ...(groupMap ? { groupMap } : {}),
  }
}

function specified(
  { stored, document, settings, ...sides }: Stored,
  { execution, simulated, startedOn }: { execution: number; simulated: boolean; startedOn: number },
  limits: Limits,
): LoadedExecution {
  const io = ioOf(sides)
  const spec: ExecutionSpec = {
    jobId: stored.id,
    execution,
    simulated,
    settings,
    // The start as recorded: a worker that takes over filters by the same clock.
    nowNs: BigInt(Math.round(startedOn * 1000)) * 1_000_000n,
    toleranceNs: clockToleranceNs,
    io,
    inFlight: parallelWrites(settings.parallelWrites, io, processFor(limits)).inFlight,
    pace: sharedPace(),
    limits,
    ...sides,
  }
  return { stored, document, settings, spec }
}

/** What the process allows that carries it out. */
export function processFor({ threads }: Limits): { cores: number; threads: number } {
  return { cores: availableParallelism(), threads }
}

function ioOf({ source, destination }: Pick<ExecutionSpec, 'source' | 'destination'>): ExecutionSpec['io'] {
  const isAsync = [source, destination].some(({ platform }) => connectorFor(platform).io === 'async')
  return isAsync ? 'async' : 'blocking'
}

async function side(
  catalog: Catalog,
  document: JobDocument,
  which: SideName,
  reasons: string[],
): Promise<SideSpec | undefined> {
  const { connection, target, impersonate_as: person } = document.transfer[which]
  const connectionId = 'id' in connection ? connection.id : undefined
  if (connectionId === undefined) {
    reasons.push(`transfer.${which}.connection: the inline connection was not stored`)
    return undefined
  }
  const revealed = await catalog.connections.reveal(connectionId)
  if (!revealed) {
    reasons.push(`transfer.${which}.connection.id: there is no connection ${connectionId}`)
    return undefined
  }
  if ((await catalog.connections.get(connectionId))?.disabled)
    reasons.push(`transfer.${which}.connection.id: connection ${connectionId} is disabled`)
  const { platform } = revealed
  const auth = person === undefined ? revealed.auth : asPlaceOf(person, platform, revealed.auth)
  return { connectionId, platform, auth, path: target?.path ?? '/' }
}

/** Where a platform can't work as somebody, it can still know whose place it is. */
function asPlaceOf(
  { id, username, email, name, caption }: NonNullable<JobDocument['transfer']['source']['impersonate_as']>,
  platform: string,
  auth: Record<string, unknown>,
): Record<string, unknown> {
  if (!connectorFor(platform).settings.some(({ key }) => key === 'account')) return auth
  return { ...auth, account: id ?? username ?? email ?? name ?? caption }
}

async function map(
  catalog: Catalog,
  document: JobDocument,
  type: MapType,
  reasons: string[],
): Promise<Record<string, unknown> | undefined> {
  const reference = document.transfer[type]
  if (reference === undefined || !('id' in reference) || typeof reference.id !== 'string') return undefined
  const stored = await catalog.maps.get(type, reference.id)
  if (!stored) reasons.push(`transfer.${type}.id: there is no ${type} ${reference.id}`)
  return stored?.document
}
