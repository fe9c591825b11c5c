import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common'
import { getExternalWorkflowHandle, ParentClosePolicy, patched, sleep, startChild } from '@temporalio/workflow'
import { setPaused } from './commands.ts'
import type { execution } from './execution.ts'
import type { ExecutionStart, JobFacts } from './messages.ts'
import { executionWorkflowId } from './names.ts'
import { executionIntro } from './progress_text.ts'
import { executionAttributes } from './search_attributes.ts'

/** What becomes of a child, for the inbox of its job. */
interface Fate {
  /** It can be told things from now on. */
  onStarted(): void
  /** One of its number is under way that this run did not start: the job was reset, or terminated and started anew. */
  onAdopted(): void
  onTold(): void
  /** @param error absent when it ended well; it may be that it never started */
  onClosed(error?: unknown): void
}

const againMs = 2_000

/** An execution as its job sees it. It is told things from outside, not as a child: one that was adopted is none. */
export class ChildExecution {
  readonly execution: number
  isAdopted = false
  readonly #workflowId: string
  readonly #fate: Fate
  #isThere = false
  #isCancelled = false
  /** What it was told last, and what it knows for sure. */
  #toldPaused: boolean
  #knowsPaused: boolean
  #isTelling = false

  constructor(start: ExecutionStart, facts: JobFacts, fate: Fate) {
    this.execution = start.execution
    this.#workflowId = executionWorkflowId(start.jobId, start.execution)
    this.#fate = fate
    this.#toldPaused = this.#knowsPaused = start.paused
    void this.#begin(start, facts)
  }

  /** Whether it goes by the pause, or the end of one, that it was told of last. */
  knows(paused: boolean): boolean {
    return this.#toldPaused === paused && this.#knowsPaused === paused
  }

  /** Tells it what is wanted of it now, once. */
  follow({ isCancelling, paused }: { isCancelling: boolean; paused: boolean }): void {
    if (!this.#isThere) return
    const handle = getExternalWorkflowHandle(this.#workflowId)
    // Two under way may arrive in either order, and the execution would go by the older one.
    if (this.#toldPaused !== paused && !(this.#isTelling && patched('told in order, and again when not heard'))) {
      this.#toldPaused = paused
      this.#isTelling = true
      const told = (): void => {
        this.#isTelling = false
        this.#knowsPaused = paused
        this.#fate.onTold()
      }
      handle.signal(setPaused, paused).then(told, async () => {
        if (!patched('told in order, and again when not heard')) return told()
        await this.#pauseBeforeAgain()
        this.#isTelling = false
        this.#toldPaused = !paused
        this.#fate.onTold()
      })
    }
    if (isCancelling && !this.#isCancelled) {
      this.#isCancelled = true
      handle.cancel().catch(async () => {
        if (!patched('told in order, and again when not heard')) return
        await this.#pauseBeforeAgain()
        this.#isCancelled = false
        this.#fate.onTold()
      })
    }
  }

  /** Mostly it has ended in this moment, and nobody is left to tell when the pause is over. */
  #pauseBeforeAgain(): Promise<void> {
    return sleep(againMs, { summary: 'tell the execution once more' })
  }

  async #begin(start: ExecutionStart, facts: JobFacts): Promise<void> {
    try {
      const handle = await startChild<typeof execution>('execution', {
        workflowId: this.#workflowId,
        args: [start],
        // An execution without its job could be neither paused nor counted.
        parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
        staticSummary: start.summary,
        staticDetails: executionIntro(facts, start.jobId, start.execution),
        typedSearchAttributes: executionAttributes(start, facts),
      })
      this.#isThere = true
      this.#fate.onStarted()
      await handle.result()
      this.#fate.onClosed()
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) return this.#fate.onClosed(error)
      this.#isThere = true
      this.isAdopted = true
      // It may have been told otherwise by the run that is gone.
      this.#toldPaused = !start.paused
      this.#fate.onAdopted()
    }
  }
}
