/** Cumulative over the job's life (reference: jobs-api 5). */
export interface StopCounts {
  executions: number
  /** Executions that found nothing to do. */
  successes: number
  /** Executions that logged failures. */
  failures: number
}

/** The limits as the document states them. */
export interface StopLimits {
  on_execute?: number | undefined
  on_success?: number | undefined
  on_failure?: number | undefined
}

type StopVerdict = { met: false } | { met: true; limit: 'on_execute' | 'on_success' | 'on_failure'; sentence: string }

/** Whether the job is complete for good; asked after each execution and before each start. */
export function stopPolicy(limits: StopLimits | undefined, counts: StopCounts): StopVerdict {
  const { on_execute, on_success, on_failure } = limits ?? {}
  if (on_execute !== undefined && counts.executions >= on_execute)
    return met('on_execute', `${counts.executions} of ${executions(on_execute)}`)
  if (on_success !== undefined && counts.successes >= on_success)
    return met('on_success', `${counts.successes} of ${executions(on_success)} that found nothing to do`)
  if (on_failure !== undefined && counts.failures >= on_failure)
    return met('on_failure', `${counts.failures} of ${executions(on_failure)} that logged failures`)
  return { met: false }
}

/** How an execution ended, as far as the stop policy cares. */
export interface EndedExecution {
  status: 'running' | 'failing' | 'failed' | 'completed' | 'cancelled' | 'failed_to_start' | 'warn' | 'no_changes'
  simulated: boolean
  /** Items that failed in it. */
  failed: number
}

/** Simulated executions and those that could not start count for none; a cancelled one counts as executed. */
export function countExecution(counts: StopCounts, { status, simulated, failed }: EndedExecution): StopCounts {
  if (simulated || status === 'failed_to_start') return counts
  return {
    executions: counts.executions + 1,
    successes: counts.successes + (status === 'no_changes' ? 1 : 0),
    failures: counts.failures + (status === 'failed' || failed > 0 ? 1 : 0),
  }
}

/** Counts only grow: of two who counted, the one who knows more is right. */
export function mostOf(a: StopCounts, b: StopCounts): StopCounts {
  return {
    executions: Math.max(a.executions, b.executions),
    successes: Math.max(a.successes, b.successes),
    failures: Math.max(a.failures, b.failures),
  }
}

function met(limit: 'on_execute' | 'on_success' | 'on_failure', why: string): StopVerdict {
  return { met: true, limit, sentence: `stop_policy.${limit} is met: ${why}` }
}

function executions(n: number): string {
  return n === 1 ? '1 execution' : `${n} executions`
}
