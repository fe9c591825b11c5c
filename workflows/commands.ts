import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow'
import type { Approved, Cancelled, ExecutionState, JobState, Paused, Resumed, Started, Unrecorded } from './messages.ts'

/** To a job. */
export const start = defineUpdate<Started, []>('start')
export const pause = defineUpdate<Paused, []>('pause')
export const resume = defineUpdate<Resumed, []>('resume')
export const cancel = defineUpdate<Cancelled, []>('cancel')
/** That an execution has ended, should the job have no way of knowing; and how, where nobody has written that down. */
export const ended = defineSignal<[number, Unrecorded?]>('ended')
export const state = defineQuery<JobState>('state')

/** From a job to its execution, and back. */
export const setPaused = defineSignal<[boolean]>('setPaused')
export const drained = defineSignal<[number]>('drained')

/** To an execution, from its activities: what has to pass before they can go on; null when it has. */
export const waitingFor = defineSignal<[string | null]>('waitingFor')

/** To an execution: the hash of the plan that may be carried out. */
export const approve = defineUpdate<Approved, [string]>('approve')
export const progress = defineQuery<ExecutionState>('progress')
