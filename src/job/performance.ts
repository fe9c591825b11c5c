import { defaults } from './defaults.ts'
import { days } from './schedule.ts'
import { timeOfDay } from './times.ts'
import { anything, block, bytes, listOf, optional, whole } from './wire.ts'

const window = block({
  bytes_per_second: optional(bytes(), 'The limit from then on.'),
  time: optional(timeOfDay(), 'From this time of day (UTC).'),
  start_time: optional(anything(), 'From when.'),
  end_time: optional(anything(), 'Until when.'),
  days: optional(days, 'On these days.'),
})

const bandwidth = block({
  bytes_per_second: optional(bytes(), 'The most bytes a second; 0 means no limit.'),
  window: optional(listOf(window, 1_000), 'Other limits at certain times.'),
})

/** `transfer.performance` (reference: job-policies 9). */
export const performance = block({
  parallel_writes: optional(
    block({
      requested: optional(whole(1, 1_000), 'Writes in flight for the whole job.', defaults.parallel_writes),
      max: optional(whole(1), 'Has no effect.'),
    }),
    'How much is written side by side.',
  ),
  upload: optional(bandwidth, 'Limits what is sent.'),
  download: optional(bandwidth, 'Limits what is fetched.'),
  retries: optional(anything(), 'Has no effect; retries belong to the audit category.'),
})
