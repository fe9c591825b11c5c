import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common'
import { getExternalWorkflowHandle, ParentClosePolicy, startChild } from '@temporalio/workflow'
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

  constructor(start: ExecutionStart, facts: JobFacts, fate: Fate) {
    this.execution = start.execution
    this.#workflowId = executionWorkflowId(start.jobId, start.execution)
    this.#fate = fate
    this.#toldPaused = this.#knowsPaused = start.paused
    void this.#begin(start, facts)
  }

  /** Whether it goes by the pause, or the end of one, that it was told of last. */
  knows(paused: boolean): boolean {
    return this.#knowsPaused === paused
  }

  /** Tells it what is wanted of it now, once. */
  follow({ isCancelling, paused }: { isCancelling: boolean; paused: boolean }): void {
    if (!this.#isThere) return
    const handle = getExternalWorkflowHandle(this.#workflowId)
    if (this.#toldPaused !== paused) {
      this.#toldPaused = paused
      const told = (): void => {
        this.#knowsPaused = paused
        this.#fate.onTold()
      }
      // One that has ended in this moment has nothing left to pause or to resume.
      handle.signal(setPaused, paused).then(told, told)
    }
    if (isCancelling && !this.#isCancelled) {
      this.#isCancelled = true
      handle.cancel().catch(() => undefined)
    }
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
