import { defaults } from './defaults.ts'
import { duration, moment, timeOfDay } from './times.ts'
import { block, choice, conflict, leaf, listOf, needed, optional, renamed, whole, type Leaf } from './wire.ts'

const dayWords = [
  'everyday',
  'weekdays',
  'weekends',
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
  'sunday',
] as const

export type DayWord = (typeof dayWords)[number]

export const days = listOf(
  choice(dayWords, Object.fromEntries(dayWords.map((day) => [day[0]!.toUpperCase() + day.slice(1), day]))),
)

/** `schedule` (reference: jobs-api 4). */
export const schedule = block(
  {
    mode: needed(
      choice(['manual', 'auto', 'ad-hoc']),
      'manual: when triggered; ad-hoc: the same, and complete afterwards; auto: again and again.',
    ),
    days: optional(days, 'Days a run may start on.', 'everyday'),
    start_date: optional(moment(), 'No run starts before.'),
    end_date: optional(moment(), 'No run starts from then on; the job is complete.'),
    end: optional(moment(), 'Old name of end_date.'),
    start_window: optional(timeOfDay(), 'First start of the day.'),
    end_window: optional(timeOfDay(), 'Last start of the day; earlier than start_window means on the next morning.'),
    repeat_interval: optional(duration(), 'From one start to the next.', defaults.repeat_interval),
    repeat_count: optional(whole(1, 100_000), 'The most runs a day.'),
    run_at: optional(timeOfDay(), 'Run at this time of day, and only then.'),
    max_execution: optional(duration(), 'A run that takes longer is wound down.'),
    time_zone: optional(
      zone(),
      'Name of the time zone of days, windows and run_at, such as Europe/Berlin.',
      defaults.time_zone,
    ),
  },
  { hidden: ['end'] },
).transform((given, ctx) => {
  const wanted = renamed(given, { end: 'end_date' } as const)
  if (wanted.run_at !== undefined && wanted.end_window !== undefined)
    conflict(ctx, ['end_window'], 'contradicts run_at, which is the only time a run starts at: give one of the two')
  if (wanted.start_date !== undefined && wanted.end_date !== undefined && wanted.start_date >= wanted.end_date)
    conflict(
      ctx,
      ['end_date'],
      `${wanted.end_date} is not after start_date (${wanted.start_date}): no run could ever start`,
    )
  if (wanted.days?.length === 0) conflict(ctx, ['days'], 'is empty: no run could ever start')
  return wanted
})

function zone(): Leaf<string> {
  const allowed = 'the name of a time zone such as UTC or Europe/Berlin'
  return leaf(allowed, { type: 'string' }, (given) => {
    if (typeof given !== 'string' || given.length > 64 || !/^[A-Za-z][\w+\-/]*$/.test(given)) return undefined
    try {
      new Intl.DateTimeFormat('en', { timeZone: given })
      return given
    } catch {
      return undefined
    }
  })
}
