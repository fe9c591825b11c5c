import { notWaiting } from './names.ts'
import type { ExecutionPhase } from '../src/job/status.ts'
import { ApplicationFailure } from '@temporalio/common'
import type {
  Approval,
  ExecutionCarried,
  ExecutionStart,
  ExecutionState,
  Initialized,
  PlannedRemovals,
  SliceInput,
  SliceResult,
  Tally,
} from './messages.ts'

export type LaneKind = 'enumerate' | 'transfer' | 'remove' | 'finalize'

/** What executions that are under way, begun by older code, must go on doing as they did. */
type Change = 'first broken lane counts'

/** What an execution can do to the world; in the workflow these are Temporal's, in a unit test anything. */
export interface ExecutionPorts {
  nowMs(): number
  initialize(): Promise<Initialized>
  planRemovals(): Promise<PlannedRemovals>
  slice(kind: LaneKind, summary: string, input: SliceInput): Promise<SliceResult>
  until(condition: () => boolean): Promise<void>
  sleep(ms: number): Promise<void>
  /** Whether this run's history is long enough. */
  historyIsFull(): boolean
  enter(phase: ExecutionPhase): Promise<void>
  /** A person is waited for, or not any more: told where executions are listed. */
  awaits(person: boolean): void
  /** Something a person may want to see has changed. */
  show(): void
  /** Asks the lanes to stop: no new slice begins, those under way finish what is in hand. */
  stopLanes(): void
  /** Whether this execution was begun by code that has this change in it, or has not come to it before. */
  has(change: Change): boolean
}

const defaultSliceMs = 20_000
/** The first ones of a lane are short, so that there is something to see soon; each may take twice as long as the one before. */
const firstSliceMs = 1_500
/** A slice that comes back at once with nothing done is not asked again before. */
const pauseBetweenEmptySlicesMs = 1_000

/** One execution: which phase it is in, what its lanes do next. Rebuilt from what an earlier run carried over. */
export class Execution {
  readonly tally: Tally
  phase: ExecutionPhase
  paused: boolean
  initialized: Initialized | undefined
  /** What has to pass before its activities can go on. */
  waitingFor: string | undefined
  /** What waits for a person's yes. */
  approval: Approval | undefined
  /** A person has said yes, or need not. */
  #approved: boolean
  /** Activities under way that may write. */
  #inHand = 0
  #renewing = false
  /** What the first lane broke off with; all others end because of it. */
  #broken: { error: unknown } | undefined
  readonly #start: ExecutionStart
  readonly #hands: ExecutionPorts

  constructor(start: ExecutionStart, hands: ExecutionPorts) {
    const { carried } = start
    this.#start = start
    this.#hands = hands
    this.tally = { ...(carried?.tally ?? { slices: 0, found: 0, transferred: 0, failed: 0, bytes: 0 }) }
    this.phase = carried?.phase ?? 'pending'
    this.initialized = carried?.initialized
    this.paused = start.paused
    this.#approved = carried?.approved ?? false
  }

  /** Paused, and nothing writes any more. */
  get isDrained(): boolean {
    return this.paused && this.#inHand === 0
  }

  /** All phases but `complete`. Answers `renew` when they are to go on in a new run. */
  async throughPhases(): Promise<'done' | 'renew'> {
    this.initialized ??= await this.#initialize()
    const { enumerateLanes, transferLanes, removes, looksFirst } = this.initialized
    const writers = transferLanes.reduce((sum, width) => sum + width, 0)
    if (this.phase !== 'finalize') {
      const listed = this.phase === 'executing'
      if (!listed) await this.#enter('changes')
      const enumerate = listed ? [] : [() => this.#enumerate(enumerateLanes)]
      if (looksFirst) {
        await this.#sideBySide(enumerate.splice(0))
        if (this.#renewing) return 'renew'
        await this.#untilApproved()
      }
      await this.#sideBySide([...enumerate, ...this.#transfers(transferLanes)])
      if (this.#renewing) return 'renew'
      if (removes) {
        await this.#untilApproved()
        await this.#lane('remove', 'remove', writers)
        if (this.#renewing) return 'renew'
      }
      await this.#enter('finalize')
    }
    await this.#lane('finalize', 'finalize', writers)
    return this.#renewing ? 'renew' : 'done'
  }

  /** What the next run of a workflow needs to go on. */
  carryOver(controlPaused: boolean): ExecutionStart {
    const { initialized, phase, tally } = this
    if (!initialized) throw new Error('nothing to carry over before initialize')
    const approved = this.#approved ? { approved: true as const } : {}
    const carried: ExecutionCarried = { initialized, phase, tally, controlPaused, ...approved }
    return { ...this.#start, paused: this.paused, carried }
  }

  state(): ExecutionState {
    const { phase, paused, waitingFor, approval } = this
    return {
      phase,
      paused,
      tally: { ...this.tally },
      ...(waitingFor === undefined ? {} : { waitingFor }),
      ...(approval === undefined ? {} : { approval }),
    }
  }

  /** @throws ApplicationFailure unless this is the plan that waits */
  refuseToApprove(hash: string): void {
    if (this.approval?.hash === hash) return
    const instead = this.approval
      ? `the plan that waits is ${this.approval.hash}: ${this.approval.sentence}`
      : 'nothing waits for an approval'
    throw ApplicationFailure.nonRetryable(`${hash} can't be approved: ${instead}`, notWaiting)
  }

  approve(hash: string): string {
    this.approval = undefined
    this.#approved = true
    return `${hash} is approved and goes on`
  }

  get isOverdue(): boolean {
    const { deadlineMs } = this.#start
    return deadlineMs !== undefined && this.#hands.nowMs() >= deadlineMs
  }

  async #initialize(): Promise<Initialized> {
    await this.#hands.until(() => !this.paused)
    await this.#enter('initialize')
    return this.#holding(() => this.#hands.initialize())
  }

  /** Everything is planned by now. A plan that needs a person's yes waits for it, however long that takes. */
  async #untilApproved(): Promise<void> {
    if (this.#approved) return
    const { approval } = await this.#holding(() => this.#hands.planRemovals())
    if (approval) {
      this.approval = approval
      this.#hands.awaits(true)
      this.#hands.show()
      await this.#hands.until(() => this.#approved)
      this.#hands.awaits(false)
    }
    this.#approved = true
  }

  /** Containers to list come from one frontier, so that its lanes end together; then only transfers are left. */
  async #enumerate(lanes: number): Promise<void> {
    await this.#sideBySide(numbered(lanes, (n) => this.#lane('enumerate', laneName('enumerate', n, lanes), 1)))
    if (!this.#renewing && this.phase === 'changes') await this.#enter('executing')
  }

  #transfers(widths: readonly number[]): (() => Promise<void>)[] {
    return numbered(widths.length, (n) =>
      this.#lane('transfer', laneName('transfer', n, widths.length), widths[n - 1]!),
    )
  }

  async #lane(kind: LaneKind, summary: string, width: number): Promise<void> {
    const { jobId, execution, options } = this.#start
    const lane = summary.replaceAll(' ', '-').replace(/-of-\d+$/, '')
    const longestMs = options?.sliceMs ?? defaultSliceMs
    for (let sliceMs = Math.min(longestMs, firstSliceMs); ; sliceMs = Math.min(longestMs, 2 * sliceMs)) {
      await this.#hands.until(() => !this.paused || this.#renewing)
      this.#renewing ||= this.#hands.historyIsFull()
      if (this.#renewing) return
      const begunMs = this.#hands.nowMs()
      const result = await this.#holding(() =>
        this.#hands.slice(kind, summary, { jobId, execution, lane, width, sliceMs }),
      )
      this.#count(kind, result)
      this.#hands.show()
      if (result.state === 'finished') return
      const wasIdle = result.items === 0 && this.#hands.nowMs() - begunMs < pauseBetweenEmptySlicesMs
      if (wasIdle && !this.paused) await this.#hands.sleep(pauseBetweenEmptySlicesMs)
    }
  }

  /** When one lane breaks off the others are stopped, and this ends when the last of them has put down what it had in hand. */
  async #sideBySide(lanes: (() => Promise<void>)[]): Promise<void> {
    const broken: unknown[] = []
    await Promise.all(
      lanes.map((lane) =>
        lane().catch((error: unknown) => {
          broken.push(error)
          this.#broken ??= { error }
          this.#hands.stopLanes()
        }),
      ),
    )
    if (broken.length === 0) return
    // A group of lanes ends with the last of them: by then a lane outside it, which was only stopped, may have ended before.
    throw this.#hands.has('first broken lane counts') ? this.#broken!.error : broken[0]
  }

  async #holding<T>(activity: () => Promise<T>): Promise<T> {
    this.#inHand += 1
    try {
      return await activity()
    } finally {
      this.#inHand -= 1
    }
  }

  #count(kind: LaneKind, { items, failed, bytes }: SliceResult): void {
    this.tally.slices += 1
    this.tally.failed += failed
    if (kind === 'enumerate') this.tally.found += items
    if (kind === 'transfer') {
      this.tally.transferred += items
      this.tally.bytes += bytes
    }
  }

  async #enter(phase: ExecutionPhase): Promise<void> {
    this.phase = phase
    this.#hands.show()
    await this.#hands.enter(phase)
  }
}

function laneName(kind: LaneKind, n: number, of: number): string {
  return of === 1 ? kind : `${kind} ${n} of ${of}`
}

function numbered<T>(count: number, make: (n: number) => T): (() => T)[] {
  return Array.from({ length: count }, (_, index) => () => make(index + 1))
}
