import { parentPort } from 'node:worker_threads'
import type { Holder, WaitingItems } from '../../ledger/ledger.ts'
import { connectLedger } from '../../ledger/client.ts'
import { carryOutFrom, claimBatch } from '../items/batch_pipeline.ts'
import { finishContainers } from '../items/finish_container.ts'
import { removeItems } from '../items/remove_items.ts'
import { ExecutionContext } from '../engine/execution_context.ts'
import { leaseMs, type ExecutionSpec } from '../engine/execution_spec.ts'
import { listContainers } from '../listing/list_containers.ts'
import { StopToken, StopFlag, Stop } from './stop.ts'
import type { FromThread, LedgerAccess, Task, TaskEnd, ToThread } from './thread_messages.ts'
import { SideTrouble } from '../engine/trouble.ts'

/**
 * An I/O thread: calls to platforms and nothing else. It holds one session on each side per open job and claims work from
 * the ledger itself. Its tasks (slots of slices) are of one job at a time; while one waits, another goes on.
 */

const finalizedAtOnce = 500
const removedAtOnce = 200

/** A job in this thread, closed when nothing is at work in it any more. */
class OpenContext {
  readonly opening: Promise<ExecutionContext>
  #atWork = 0
  #isLeaving = false

  constructor(spec: ExecutionSpec, ledger: LedgerAccess, stopFlag: SharedArrayBuffer) {
    this.opening = ExecutionContext.open(spec, connectLedger(ledger.port, ledger.file), new StopFlag(stopFlag))
    this.opening.catch(() => undefined)
  }

  async use<T>(work: (context: ExecutionContext) => Promise<T>): Promise<T> {
    this.#atWork += 1
    try {
      return await work(await this.opening)
    } finally {
      this.#atWork -= 1
      if (this.#isLeaving) this.leave()
    }
  }

  leave(): void {
    this.#isLeaving = true
    if (this.#atWork === 0) this.opening.then((context) => context.close()).catch(() => undefined)
  }
}

const jobs = new Map<string, OpenContext>()

async function run(context: ExecutionContext, task: Task, stop: StopToken): Promise<TaskEnd> {
  const holder: Holder = { name: task.holder, execution: context.spec.execution, leaseMs }
  let failed = 0
  while (stop.reason === Stop.run && !stop.timeIsUp) {
    const step = await steps[task.phase](context, { holder, stop, width: task.width })
    failed += step.failed ?? 0
    if (step.end) return { ...step.end, failed }
    await context.pendingWrites.settled()
  }
  await context.pendingWrites.settled()
  if (stop.reason === Stop.halt)
    return { state: 'halted', ...(context.firstFailure === undefined ? {} : { why: context.firstFailure }) }
  return { state: stop.reason === Stop.pause ? 'paused' : 'more', failed }
}

interface Step {
  failed?: number
  end?: { state: 'finished' } | { state: 'waiting'; items: WaitingItems }
}

interface Hand {
  holder: Holder
  stop: StopToken
  width: number
}

const steps: Record<Task['phase'], (context: ExecutionContext, hand: Hand) => Promise<Step>> = {
  async enumerate(context, hand) {
    const end = await listContainers(context, hand)
    return end === 'closed' ? { end: { state: 'finished' } } : {}
  },

  async transfer(context, hand) {
    const { holder } = hand
    const claim = await claimBatch(context, holder)
    if (claim.state === 'closed') return { end: { state: 'finished' } }
    if (claim.state === 'waiting') return { end: { state: 'waiting', items: claim.items } }
    if (claim.state !== 'claimed') return {}
    return { failed: await carryOutFrom(context, claim.claim, hand) }
  },

  async remove(context, { holder, stop, width }) {
    const claim = await context.ledger.claimRemovals(holder, removedAtOnce)
    if (claim.state === 'closed') return { end: { state: 'finished' } }
    if (claim.state !== 'claimed') return {}
    return { failed: await removeItems(context, claim.claim, { stop, width }) }
  },

  async finalize(context, { holder, stop, width }) {
    const claim = await context.ledger.claimContainersToFinalize(holder, finalizedAtOnce)
    if (claim.state === 'closed') return { end: { state: 'finished' } }
    if (claim.state !== 'claimed') return {}
    const { toSource } = claim.claim
    return { failed: await finishContainers((toSource && context.back) || context, claim.claim, { stop, width }) }
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
  leaving?.leave()
}

const main = parentPort
if (main) {
  const answer = (message: FromThread): void => main.postMessage(message)
  main.on('message', (message: ToThread) => {
    switch (message.type) {
      case 'open': {
        close(message.job)
        jobs.set(message.job, new OpenContext(message.spec, message.ledger, message.stopFlag))
        return
      }
      case 'run': {
        const { id, job, task } = message
        const slot = new StopFlag(message.slot)
        void (async () => {
          const open = jobs.get(job)
          if (!open) throw new Error(`job ${job} is not open in this thread`)
          return open.use((context) => {
            context.onAt = (inHand) => answer({ type: 'at', id, inHand })
            return run(context, task, new StopToken(context.job, slot, task.untilMs))
          })
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
