import { anything, block, choice, conflict, optional, whole } from './wire.ts'

/** `stop_policy` (reference: jobs-api 5): when a job is complete for good. */
export const stopPolicySchema = block({
  on_execute: optional(whole(1), 'Complete after so many executions.'),
  on_success: optional(whole(1), 'Complete after so many executions that found nothing to do.'),
  on_failure: optional(whole(1), 'Complete after so many executions that logged failures.'),
  policy: optional(choice(['never', 'on_success', 'on_failure']), 'Names the limit that is set.'),
  executions: optional(anything(), 'Read-only: executions so far.'),
  completions: optional(anything(), 'Read-only: executions so far that found nothing to do.'),
  failures: optional(anything(), 'Read-only: executions so far that logged failures.'),
}).transform((given, ctx) => {
  const { policy, on_execute, on_success, on_failure } = given
  const limited = on_execute ?? on_success ?? on_failure
  if (policy === 'never' && limited !== undefined) conflict(ctx, ['policy'], '"never" contradicts the limits beside it')
  if (policy !== undefined && policy !== 'never' && given[policy] === undefined)
    conflict(ctx, [policy], `is missing; policy ${policy} takes it, a whole number from 1`)
  return given
})
