import { wholeDay, type Schedule } from '../schedule/schedule.ts'
import { defaults } from './defaults.ts'
import type { JobDocument } from './document.ts'
import type { DayWord } from './schedule.ts'
import { durationMs, timeOfDayMs } from './times.ts'

const week = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday']

/** What the document's `schedule` says, with defaults filled in. */
export function scheduleOf({ schedule }: Pick<JobDocument, 'schedule'>): Schedule {
  const { start_date, end_date, start_window, end_window, run_at, repeat_count, max_execution } = schedule ?? {}
  return {
    mode: schedule?.mode ?? defaults.schedule_mode,
    days: weekdays(schedule?.days ?? ['everyday']),
    window: {
      fromMs: start_window ? timeOfDayMs(start_window) : wholeDay.fromMs,
      untilMs: end_window ? timeOfDayMs(end_window) : wholeDay.untilMs,
    },
    intervalMs: durationMs(schedule?.repeat_interval ?? defaults.repeat_interval),
    timeZone: schedule?.time_zone ?? defaults.time_zone,
    ...(start_date === undefined ? {} : { startMs: Math.ceil(start_date * 1_000) }),
    ...(end_date === undefined ? {} : { endMs: Math.floor(end_date * 1_000) }),
    ...(run_at === undefined ? {} : { runAtMs: timeOfDayMs(run_at) }),
    ...(repeat_count === undefined ? {} : { runsPerDay: repeat_count }),
    ...(max_execution === undefined ? {} : { maxExecutionMs: durationMs(max_execution) }),
  }
}

/** Days of the week, Sunday is 0. */
export function weekdays(words: readonly DayWord[]): number[] {
  const days = words.flatMap((word) => {
    if (word === 'everyday') return [0, 1, 2, 3, 4, 5, 6]
    if (word === 'weekdays') return [1, 2, 3, 4, 5]
    if (word === 'weekends') return [0, 6]
    return [week.indexOf(word)]
  })
  return [...new Set(days)].sort((a, b) => a - b)
}
