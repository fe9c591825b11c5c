/** When a job may start, with defaults filled in. Plain JSON, so that it can be an activity's answer. */
export interface Schedule {
  mode: 'manual' | 'auto' | 'ad-hoc'
  /** Weekdays that a run may start on, 0 for Sunday. */
  days: readonly number[]
  /** No start before, and none at or after, in milliseconds since 1970. */
  startMs?: number
  endMs?: number
  /** First and last start of a day, in milliseconds after midnight; `until` before `from` means on the next morning. */
  window: { fromMs: number; untilMs: number }
  /** The only time of day that a run starts at; windows and interval then mean nothing. */
  runAtMs?: number
  /** From one start to the next. */
  intervalMs: number
  runsPerDay?: number
  /** A run that takes longer is wound down. */
  maxExecutionMs?: number
  /** IANA name; days, windows and `runAtMs` are read off its clocks. */
  timeZone: string
}

export const wholeDay = { fromMs: 0, untilMs: 86_399_999 } as const
