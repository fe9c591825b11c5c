import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow'
import { retryPolicy } from '../src/policy/failure_policy.ts'
import type { Activities } from '../activities/create_activities.ts'
import type { Initialized } from './messages.ts'
import type { LaneKind } from './execution_run.ts'
import { OneAtATime } from './one_at_a_time.ts'

type CatalogActivities = Pick<Activities, 'recordJob' | 'settleExecution' | 'loadJob' | 'recordPhase' | 'writeControl'>

/** For people who look at a history. */
const catalogSummaries: Record<keyof CatalogActivities, string> = {
  loadJob: 'read the job from the catalog',
  recordJob: 'write down what the job does now',
  settleExecution: 'see how the execution ended',
  recordPhase: 'write down the phase',
  writeControl: 'tell what is at work to pause, to end, or to go on',
}

/**
 * Rows of the catalog, read and written next to the workflow: milliseconds, no round trip. They may be repeated, and a
 * catalog that can't be written now is waited for. Of one workflow: never two at a time.
 */
export function catalogActivities(): CatalogActivities {
  const oneAtATime = new OneAtATime()
  const proxied = <Name extends keyof CatalogActivities>(name: Name): CatalogActivities[Name] => {
    const local = proxyLocalActivities<CatalogActivities>({
      startToCloseTimeout: '10 s',
      retry: { initialInterval: '200 ms', maximumInterval: '10 s', nonRetryableErrorTypes: ['NotInCatalog'] },
      summary: catalogSummaries[name],
    })[name] as (input: unknown) => Promise<unknown>
    return ((input: unknown) => oneAtATime.run(() => local(input))) as CatalogActivities[Name]
  }
  return {
    loadJob: proxied('loadJob'),
    recordJob: proxied('recordJob'),
    settleExecution: proxied('settleExecution'),
    recordPhase: proxied('recordPhase'),
    writeControl: proxied('writeControl'),
  }
}

/**
 * A timer of the activity's own beats, whatever the I/O does (`beating`), and every 3 s a beat goes to the server unless a setting
 * says otherwise (`tuning`). How soon a killed worker's lanes are taken up again hangs on this: with 8 s in less than 15 s.
 */
const heartbeatTimeout = '8 s'

/** Not the SDK's default, whatever its documentation says: without it lanes would be called cancelled while they still write. */
const cancellationType = 'WAIT_CANCELLATION_COMPLETED'

/**
 * A slice answers after about 20 s; only what can't be put down half-way takes longer: listing a vast folder, or carrying a
 * long file, of which all that was read would have to be hashed again.
 */
const startToCloseTimeout: Record<LaneKind, string> = {
  enumerate: '2 h',
  transfer: '24 h',
  remove: '24 h',
  finalize: '30 min',
}

type Lane = LaneKind | 'enumerateSlice' | 'transferSlice' | 'finalizeSlice'

export function sliceActivities(kind: LaneKind, summary: string, { failurePolicy, taskQueue }: Initialized) {
  const { triesPerExecution: _, ...retry } = retryPolicy(failurePolicy)
  return proxyActivities<Pick<Activities, Lane>>({
    startToCloseTimeout: startToCloseTimeout[kind] as '2 h',
    heartbeatTimeout,
    cancellationType,
    retry,
    summary,
    ...(taskQueue === undefined ? {} : { taskQueue }),
  })
}

/** Before the document is known there is no policy to go by; trouble with a connection is waited out under either. */
export function boundaryActivities(summary: string) {
  const { triesPerExecution: _, ...retry } = retryPolicy('continue')
  return proxyActivities<Pick<Activities, 'initialize' | 'planRemovals' | 'complete'>>({
    startToCloseTimeout: '30 min',
    heartbeatTimeout,
    cancellationType,
    retry,
    summary,
  })
}
