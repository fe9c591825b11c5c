import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow'
import type { Cancelled, ExecutionState, JobFacts, JobState, Paused, Resumed, Started } from './messages.ts'

/** To a job. */
export const start = defineUpdate<Started, [JobFacts]>('start')
export const pause = defineUpdate<Paused, []>('pause')
export const resume = defineUpdate<Resumed, []>('resume')
export const cancel = defineUpdate<Cancelled, []>('cancel')
export const state = defineQuery<JobState>('state')

/** From a job to its execution, and back. */
export const setPaused = defineSignal<[boolean]>('setPaused')
export const drained = defineSignal<[number]>('drained')

/** To an execution. */
export const progress = defineQuery<ExecutionState>('progress')
