import type { Reason, Verdict } from './decision.ts'

export type { Verdict } from './decision.ts'

export function skip(reason: Reason, why: string): Verdict {
  return { action: 'skip', reason, why }
}

export function fail(reason: Reason, why: string): Verdict {
  return { action: 'fail', reason, why }
}
