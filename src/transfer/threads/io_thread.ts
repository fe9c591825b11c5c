import { parentPort } from 'node:worker_threads'
import type { Holder, WaitingItems } from '../../ledger/ledger.ts'
import { connectLedger } from '../../ledger/client.ts'
import { carryOutFrom, claimBatch } from '../batch/batches_in_hand.ts'
import { finishContainers } from '../finish_container.ts'
import { JobContext } from '../job_context.ts'
import { leaseMs, type JobSpec } from '../job_spec.ts'
import { listContainer } from '../listing/list_container.ts'
import { Obeys, Signal, Stop } from './signals.ts'
import type { FromThread, LedgerAccess, Task, TaskEnd, ToThread } from './thread_messages.ts'
import { Suspended } from '../errors.ts'
import { SideTrouble } from '../trouble.ts'

/**
 * An I/O thread: blocking calls to platforms and nothing else. It holds one session on each side per open job, claims
 * work from the ledger itself, and runs one task (a slot of a slice) at a time.
 */

const containersAtOnce = 16
const touchedAtOnce = 500

const jobs = new Map<string, Promise<JobContext>>()

function open(spec: JobSpec, ledger: LedgerAccess, signal: SharedArrayBuffer): Promise<JobContext> {
  return JobContext.open(spec, connectLedger(ledger.port, ledger.file), new Signal(signal))
}

async function run(context: JobContext, task: Task, obeys: Obeys): Promise<TaskEnd> {
  const holder: Holder = { name: task.holder, execution: context.spec.execution, leaseMs }
  let failed = 0
  while (obeys.stop === Stop.run && !obeys.timeIsUp) {
    const step = await steps[task.phase](context, holder, obeys)
    failed += step.failed ?? 0
    if (step.end) return { ...step.end, failed }
    await context.later.settled()
  }
  await context.later.settled()
  if (obeys.stop === Stop.halt)
    return { state: 'halted', ...(context.firstFailure === undefined ? {} : { why: context.firstFailure }) }
  return { state: obeys.stop === Stop.pause ? 'paused' : 'more', failed }
}

interface Step {
  failed?: number
  end?: { state: 'finished' } | { state: 'waiting'; items: WaitingItems }
}

const steps: Record<Task['phase'], (context: JobContext, holder: Holder, obeys: Obeys) => Promise<Step>> = {
  async enumerate(context, holder, obeys) {
    const claim = await context.ledger.claimContainers(holder, containersAtOnce)
    if (claim.state === 'closed') return { end: { state: 'finished' } }
    if (claim.state !== 'claimed') return {}
    const left = new Set(claim.claim.map(({ token }) => token))
    try {
      for (const container of claim.claim) {
        context.at(container.sourceNames)
        await listContainer(context, container, obeys)
        left.delete(container.token)
      }
    } catch (error) {
      // Neither of a stop nor of trouble with a connection is a container to blame, as it would be of its holder's death.
      if (error instanceof Suspended || error instanceof SideTrouble) await context.ledger.returnContainers([...left])
      if (!(error instanceof Suspended)) throw error
    }
    return {}
  },

  async transfer(context, holder, obeys) {
    const claim = await claimBatch(context, holder)
    if (claim.state === 'closed') return { end: { state: 'finished' } }
    if (claim.state === 'waiting') return { end: { state: 'waiting', items: claim.items } }
    if (claim.state !== 'claimed') return {}
    return { failed: await carryOutFrom(context, claim.claim, holder, obeys) }
  },

  async finalize(context, holder, obeys) {
    const claim = await context.ledger.claimTouched(holder, touchedAtOnce)
    if (claim.state === 'closed') return { end: { state: 'finished' } }
    if (claim.state !== 'claimed') return {}
    return { failed: await finishContainers(context, claim.claim, obeys) }
  },
}

/** What went wrong, in words for the engine; nothing is thrown across threads. */
function ended(error: unknown): TaskEnd {
  if (error instanceof SideTrouble) {
    const { side, code, message, retryAfterMs } = error
    return { state: 'trouble', side, code, why: message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }
  }
  if (!(error instanceof Error)) return { state: 'broken', why: String(error) }
  // Somebody took the lease over: the work is in other hands, this slot just claims again.
  if (error.name === 'LeaseLost') return { state: 'more', failed: 0 }
  if (error.name === 'HomeFull')
    return { state: 'trouble', side: 'home', code: 'HomeFull', why: error.message, retryAfterMs: 30_000 }
  const { name, message: why, stack } = error
  return { state: 'broken', name, why, ...(stack === undefined ? {} : { stack }) }
}

function close(job: string): void {
  const leaving = jobs.get(job)
  jobs.delete(job)
  leaving?.then((context) => context.close()).catch(() => undefined)
}

const main = parentPort
if (main) {
  const answer = (message: FromThread): void => main.postMessage(message)
  main.on('message', (message: ToThread) => {
    switch (message.type) {
      case 'open': {
        close(message.job)
        const opening = open(message.spec, message.ledger, message.signal)
        opening.catch(() => undefined)
        jobs.set(message.job, opening)
        return
      }
      case 'run': {
        const { id, job, task } = message
        const slot = new Signal(message.slot)
        void (async () => {
          const context = await jobs.get(job)
          if (!context) throw new Error(`job ${job} is not open in this thread`)
          context.onAt = (inHand) => answer({ type: 'at', id, inHand })
          return run(context, task, new Obeys(context.job, slot, task.untilMs))
        })()
          .catch(ended)
          .then((end) => answer({ type: 'ended', id, end }))
        return
      }
      case 'forget':
        return close(message.job)
      case 'exit':
        // Nothing is in hand: the engine ends threads only when their tasks have answered.
        process.exit(0)
    }
  })
  answer({ type: 'ready' })
}
