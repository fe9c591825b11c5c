import { momentOf, wallTime, weekday } from './clock.ts'
import type { Schedule } from './schedule.ts'

/** What has happened so far; all in milliseconds since 1970. */
export interface RunHistory {
  nowMs: number
  lastStartMs?: number
  /** Of the last execution that ended. */
  lastEndMs?: number
  /** As {@link countRun} answered when the last execution started. */
  today?: RunsOfDay
}

export interface RunsOfDay {
  /** Days since 1970 on the schedule's clocks. */
  day: number
  runs: number
}

/** A DST gap can swallow one day's window; days repeat weekly. */
const horizonDays = 16

/**
 * When the next execution starts: never in the past, never while another runs, at max(last start + interval, last end)
 * or the first moment after that the schedule allows.
 *
 * @returns milliseconds since 1970; undefined when nothing is scheduled: with `manual` and `ad-hoc`, and with `auto` when
 * the end date leaves no start, so that the job is complete
 * @see reference: jobs-api 4
 */
export function nextRun(schedule: Schedule, history: RunHistory): number | undefined {
  if (schedule.mode !== 'auto') return undefined
  const earliest = earliestStart(schedule, history)
  const today = wallTime(schedule.timeZone, earliest).day
  // An overnight window that is open at `earliest` began the day before.
  for (let day = today - 1; day <= today + horizonDays; day++) {
    if (!schedule.days.includes(weekday(day)) || isFull(schedule, history.today, day)) continue
    const start = schedule.runAtMs === undefined ? inWindow(schedule, day, earliest) : atTime(schedule, day, earliest)
    if (start !== undefined) return schedule.endMs === undefined || start < schedule.endMs ? start : undefined
  }
  return undefined
}

/** Counts an execution that starts now, for `repeat_count`. */
export function countRun(schedule: Schedule, today: RunsOfDay | undefined, startMs: number): RunsOfDay {
  const day = dayOf(schedule, startMs)
  return { day, runs: today?.day === day ? today.runs + 1 : 1 }
}

function earliestStart({ startMs = -Infinity, intervalMs, runAtMs }: Schedule, history: RunHistory): number {
  const { nowMs, lastStartMs = -Infinity, lastEndMs = -Infinity } = history
  const afterLast = runAtMs === undefined ? lastStartMs + intervalMs : lastStartMs + 1
  return Math.max(nowMs, startMs, lastEndMs, afterLast)
}

function inWindow(schedule: Schedule, day: number, earliest: number): number | undefined {
  const { timeZone, window } = schedule
  const start = Math.max(earliest, momentOf(timeZone, { day, ms: window.fromMs }))
  const last = momentOf(timeZone, { day: isOvernight(schedule) ? day + 1 : day, ms: window.untilMs })
  return start <= last && covers(schedule, day, start) ? start : undefined
}

function atTime({ timeZone, runAtMs }: Schedule, day: number, earliest: number): number | undefined {
  const start = momentOf(timeZone, { day, ms: runAtMs! })
  return start >= earliest ? start : undefined
}

/** Whether clocks show a time inside the window of that day; when they are changed, being between its ends is not enough. */
function covers(schedule: Schedule, day: number, atMs: number): boolean {
  const { fromMs, untilMs } = schedule.window
  const at = wallTime(schedule.timeZone, atMs)
  if (!isOvernight(schedule)) return at.day === day && at.ms >= fromMs && at.ms <= untilMs
  return (at.day === day && at.ms >= fromMs) || (at.day === day + 1 && at.ms <= untilMs)
}

/** The day whose window a moment falls into; the small hours of an overnight window belong to the day before. */
function dayOf(schedule: Schedule, atMs: number): number {
  const { day, ms } = wallTime(schedule.timeZone, atMs)
  return schedule.runAtMs === undefined && isOvernight(schedule) && ms <= schedule.window.untilMs ? day - 1 : day
}

function isOvernight({ window }: Schedule): boolean {
  return window.untilMs < window.fromMs
}

function isFull({ runsPerDay }: Schedule, today: RunsOfDay | undefined, day: number): boolean {
  return runsPerDay !== undefined && today !== undefined && today.day === day && today.runs >= runsPerDay
}
