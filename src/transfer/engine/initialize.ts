import type { Initialized } from '../../../workflows/messages.ts'
import { overlaps } from '../../catalog/overlaps.ts'
import type { ResolvedRoot, Session } from '../../connector/connector.ts'
import { ConnectorError } from '../../connector/errors.ts'
import type { Item } from '../../connector/item.ts'
import { resolveRoot } from '../../connector/local/resolve.ts'
import { unanswerable } from '../../filter/unanswerable.ts'
import { notCarriedOut } from '../../job/carried_out.ts'
import type { LedgerAhead } from '../../ledger/errors.ts'
import type { Asked, ExecutionStart } from '../../ledger/ledger.ts'
import { mendable } from '../../policy/hopeless.ts'
import { lazyContainers } from '../../policy/empty_containers.ts'
import { maxRetry, retryPolicy } from '../../policy/failure_policy.ts'
import type { Settings } from '../../job/settings.ts'
import { removesAtDestination } from '../../policy/unmatched.ts'
import { parallelWrites } from '../../policy/parallel_writes.ts'
import { accessKey, accessSince } from '../items/access_asked.ts'
import { AccessCarrier } from '../items/access_carrier.ts'
import { cannotBeExpressed, newGaps } from './capability_gaps.ts'
import type { ExecutionRef } from './engine.ts'
import { makeDestinationRoot, recallMaking, type AccessOfRoot } from './destination_root.ts'
import { ConnectionTrouble, FailedToStart } from './errors.ts'
import { rootKey, type ExecutionSpec, type SideSpec } from './execution_spec.ts'
import type { ActiveExecution, ActiveExecutions } from './active_executions.ts'
import { failpoint } from '../recovery/failpoints.ts'
import { clearLeftovers } from '../recovery/leftovers.ts'
import { processFor } from './load_execution.ts'
import { factsOf } from '../items/facts_of.ts'
import { accessOfNew, rememberAccessOfNew } from '../items/new_access.ts'
import { rememberRoot } from './root_identity.ts'
import { OpenSides, type SideName } from './sides.ts'

const enumerateLanes = 2
const mostTransferLanes = 4
/** Under this the ledger remembers which gaps were told of, and by which execution. */
const toldGaps = 'told gaps'

/**
 * The first activity of an execution: opens both sides, holds the brakes that need no listing, and begins the execution
 * in the ledger. Repeating it after a death finds what was begun.
 */
export async function initializeExecution(jobs: ActiveExecutions, ref: ExecutionRef): Promise<Initialized> {
  const { catalog } = jobs
  await catalog.control.clearCancel(ref.jobId)
  const job = await jobs.open(ref)
  const { spec, loaded } = job
  const { settings, document } = loaded
  await catalog.executions.update(ref.jobId, ref.execution, { phase: 'initialize', status: 'running' })

  const ignoresImpersonation = (side: SideSpec): boolean => side.auth['impersonation'] === 'ignore'
  const { warnings, refusals } = notCarriedOut(document, {
    source: { platform: spec.source.platform, ignoresImpersonation: ignoresImpersonation(spec.source) },
    destination: { platform: spec.destination.platform, ignoresImpersonation: ignoresImpersonation(spec.destination) },
    accountMap: spec.accountMap,
    groupMap: spec.groupMap,
  })
  if (refusals.length > 0) throw new FailedToStart(refusals.map((refusal) => `${refusal.path}: ${refusal.message}`))

  await using sides = new OpenSides()
  const source = await starting('source', () => sides.open(spec.source))
  const unanswered = unanswerable(settings.filter.source, source.capabilities)
  if (unanswered.length > 0) throw new FailedToStart(unanswered.map((why) => `transfer.filter.source: ${why}`))
  const destination = await starting('destination', () => sides.open(spec.destination))
  if (!spec.simulated) refuseReadOnly('destination', destination)
  if (!spec.simulated && writesSource(settings)) refuseReadOnly('source', source)
  const places = await refuseOverlap(jobs, spec.source, spec.destination, { source, destination })
  await claimRoots(job, jobs, ref, places)
  const sourceRoot = await starting('source', () => source.root(spec.source.path))
  if (!sourceRoot) throw new FailedToStart([`source: ${JSON.stringify(spec.source.path)} does not exist`])
  const access = accessOfNew(spec, { source, destination })
  const rootAccess = await starting('source', () =>
    new AccessCarrier(spec, source, destination).ofNewContainer(sourceRoot.id),
  )
  const destinationRoot = await destinationRootOf(job, destination, { recalled: access, root: rootAccess ?? access })
  await sameRootAsBefore(job, 'source', sourceRoot)
  if (destinationRoot) await sameRootAsBefore(job, 'destination', destinationRoot)
  const isBegun = await clearUpAfterFormer(job, ref)
  const asked = await askedOf(jobs, ref)
  await rememberAccessOfNew(job.ledger, access)
  const told = await job.ledger.recall(toldGaps)
  const { gaps, told: toRemember } = newGaps(cannotBeExpressed(settings, source, destination), told, ref.execution)
  // Both may know of the same: one by the platform's name, the other by what it says it can do.
  if (spec.destination.auth['root_may_change'] !== undefined)
    gaps.push('destination: root_may_change holds for sources alone; another root than before is refused here')
  const all = [...new Set([...warnings.map((w) => `${w.path}: ${w.message}`), ...gaps, ...cutOf(spec)])]
  failpoint('begun:before')
  await begin(job, jobs, ref, {
    execution: ref.execution,
    begunMs: Number(spec.nowNs / 1_000_000n),
    auditLevel: settings.auditLevel,
    simulated: spec.simulated,
    warnings: all,
    triesPerExecution: retryPolicy(settings.failurePolicy).triesPerExecution,
    maxRetry,
    lazyContainers: lazyContainers(settings),
    asked,
    resets: loaded.stored.resets,
    root: {
      source: { ...factsOf(sourceRoot), id: sourceRoot.id },
      ...(destinationRoot ? { destination: { ...factsOf(destinationRoot), id: destinationRoot.id } } : {}),
    },
  })
  failpoint('begun:after')
  await job.ledger.remember(toldGaps, toRemember)
  if (!spec.simulated && loaded.stored.resets.length > 0) await catalog.jobs.update(ref.jobId, { resets: [] })
  // Begun before, it heeded what had been asked until then; what came since is for the next one. A simulation heeds it in a
  // ledger of its own.
  if (!isBegun && !spec.simulated) await catalog.requests.drop(ref.jobId, [...asked.retry, ...asked.ignore])
  await job.ledger.remember(accessKey, JSON.stringify(accessSince(spec, await job.ledger.recall(accessKey))))
  await catalog.executions.update(ref.jobId, ref.execution, { warnings: all, phase: 'changes' })
  return {
    failurePolicy: settings.failurePolicy,
    ...lanesOf(spec),
    ...removalsOf(settings),
  }
}

function writesSource({ transferType }: Settings): boolean {
  return transferType === 'move' || transferType === 'sync'
}

/** Which side things are removed from, and whether everything is looked at first. */
function removalsOf(settings: Settings): Pick<Initialized, 'removes' | 'looksFirst'> {
  if (settings.transferType === 'move') return { removes: 'source' }
  if (settings.transferType === 'sync') return settings.deletePropagation === 'ignore_both' ? {} : { removes: 'both' }
  if (!removesAtDestination(settings)) return {}
  return settings.transferType === 'publish' ? { removes: 'destination', looksFirst: true } : { removes: 'destination' }
}

function cutOf({ settings, io, limits }: ExecutionSpec): string[] {
  const { cut } = parallelWrites(settings.parallelWrites, io, processFor(limits))
  return cut === undefined ? [] : [`transfer.performance.parallel_writes.requested: ${cut}`]
}

/** What blocks is spread over threads by several lanes; what does not is under way in one. */
function lanesOf({ io, inFlight }: ExecutionSpec): Pick<Initialized, 'enumerateLanes' | 'transferLanes'> {
  if (io === 'async') return { enumerateLanes: 1, transferLanes: [inFlight] }
  return { enumerateLanes, transferLanes: splitWriters(inFlight) }
}

/** Exactly as many writers as there are to be, over at most four lanes. */
function splitWriters(requested: number): number[] {
  const lanes = Math.min(requested, mostTransferLanes)
  return Array.from({ length: lanes }, (_, lane) => Math.floor(requested / lanes) + (lane < requested % lanes ? 1 : 0))
}

/** What can't be mended by waiting fails the start; what can is retried. */
async function starting<T>(side: SideName, step: () => T): Promise<Awaited<T>> {
  try {
    return await step()
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error
    const { code, message, retryAfterMs } = error
    if (code === 'Throttled' || code === 'Unreachable' || code === 'QuotaExceeded')
      throw new ConnectionTrouble(side, code, message, retryAfterMs)
    throw new FailedToStart([`${side}: ${message}`])
  }
}

function refuseReadOnly(side: SideName, { notes }: Session): void {
  const note = notes.find(({ capability }) => capability === 'write')
  if (note) throw new FailedToStart([`${side}: ${note.why}`])
}

/** The first run makes the destination root; a later one that finds it gone doesn't begin (brake 1). */
async function destinationRootOf(job: ActiveExecution, session: Session, access: AccessOfRoot): Promise<Item | null> {
  const { spec } = job
  const there = await starting('destination', () => session.root(spec.destination.path))
  if (there) {
    await starting('destination', () => recallMaking(job, session, there))
    return there
  }
  if ((await job.ledger.recall(rootKey('destination'))) !== undefined) {
    throw new FailedToStart([
      `destination: ${JSON.stringify(spec.destination.path)} is gone, though earlier executions wrote to it; restore it, or make a new job`,
    ])
  }
  if (spec.simulated) return null
  return starting('destination', () => makeDestinationRoot(job, session, access))
}

async function sameRootAsBefore({ spec, ledger }: ActiveExecution, side: SideName, root: Item): Promise<void> {
  await starting(side, () => rememberRoot(ledger, spec, { side, root }))
}

/**
 * One whose workflow was terminated had nobody to close its books, and with the beginning of this one its traces are forgotten.
 *
 * @returns whether it is this one that has begun
 */
async function clearUpAfterFormer(job: ActiveExecution, ref: ExecutionRef): Promise<boolean> {
  const former = await job.ledger.unended()
  if (former === ref.execution) return true
  if (former !== undefined) await clearLeftovers(job, { ...ref, execution: former })
  return false
}

/** What people asked for about items, and what they can have mended when one of them started it. */
async function askedOf({ catalog }: ActiveExecutions, { jobId, execution }: ExecutionRef): Promise<Asked> {
  const begun = await catalog.executions.get(jobId, execution)
  const asked: Asked = { retry: [], ignore: [], onceMore: begun?.byPerson ? mendable : [] }
  for (const [item, request] of await catalog.requests.of(jobId)) asked[request].push(item)
  return asked
}

/**
 * A catalog that was restored from an older copy counts from there; the ledger would have nothing left to do. It learns how
 * far the ledger is, so that the next start is not refused as well.
 */
async function begin(
  job: ActiveExecution,
  jobs: ActiveExecutions,
  ref: ExecutionRef,
  start: ExecutionStart,
): Promise<void> {
  try {
    await job.ledger.begin(start)
  } catch (error) {
    if (!isLedgerAhead(error)) throw error
    await jobs.catalog.jobs.update(ref.jobId, { lastInLedger: error.latest })
    throw new FailedToStart([error.message])
  }
}

/** By name: it comes from another thread. */
function isLedgerAhead(error: unknown): error is LedgerAhead {
  return error instanceof Error && error.name === 'LedgerAhead'
}

/** A side's place for people: where the connection begins, where it says so, and the way from there. */
function whereIs({ auth, path }: SideSpec): string {
  const root = auth['root'] ?? auth['path']
  return JSON.stringify(
    typeof root === 'string' ? `${root.replace(/\/$/, '')}/${path.replace(/^\//, '')}`.replace(/(.)\/$/, '$1') : path,
  )
}

interface Sessions {
  source: Session
  destination: Session
}

interface Places {
  source: ResolvedRoot
  destination: ResolvedRoot
}

/** Brake 10: neither side inside the other, and our own home in neither. */
async function refuseOverlap(
  jobs: ActiveExecutions,
  from: SideSpec,
  to: SideSpec,
  { source, destination }: Sessions,
): Promise<Places> {
  const places = { source: await source.resolve(from.path), destination: await destination.resolve(to.path) }
  if (overlaps(places.source, places.destination)) {
    throw new FailedToStart([
      `source and destination overlap: ${whereIs(from)} and ${whereIs(to)} lead to the same place, or one lies in the other`,
    ])
  }
  const home = resolveRoot(jobs.home.path)
  for (const [which, place] of Object.entries(places)) {
    if (overlaps(home, place)) {
      const where = whereIs(which === 'source' ? from : to)
      throw new FailedToStart([
        `${which}: Stevedore's own home ${jobs.home.path} lies in ${where}, or that in the home`,
      ])
    }
  }
  return places
}

/** A simulation takes what it finds: it writes nothing anywhere, and nothing comes of what it has read. */
async function claimRoots(
  job: ActiveExecution,
  jobs: ActiveExecutions,
  ref: ExecutionRef,
  { source, destination }: Places,
): Promise<void> {
  if (job.spec.simulated) return
  const roots = [
    { ...source, writes: writesSource(job.spec.settings) },
    { ...destination, writes: true },
  ]
  const other = await jobs.catalog.jobs.claimRoots(ref.jobId, ref.execution, roots)
  if (!other) return
  // What is being written holds contents under names they have only until they are whole.
  const which = other.inTheWayOf.writes ? 'destination' : 'source'
  const where = whereIs(job.spec[which])
  const [does, at] = other.writes ? ['writing', 'to'] : ['reading', 'from']
  throw new FailedToStart([
    `${which}: job ${other.jobId} is ${does} ${at} the same place, or ${at} one inside or above it (${where}); wait for it, or cancel it`,
  ])
}
