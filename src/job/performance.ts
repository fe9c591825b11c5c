import { days } from './schedule.ts'
import { timeOfDay } from './times.ts'
import { anything, block, bytes, listOf, optional, whole } from './wire.ts'

const window = block({
  bytes_per_second: optional(bytes(), 'The limit from then on; 0 means no limit.', 0),
  time: optional(timeOfDay(), 'From this time of day (UTC), until another window begins.'),
  start_time: optional(timeOfDay(), 'The same as time.'),
  end_time: optional(timeOfDay(), 'Until this time of day (UTC); earlier than its beginning means on the next day.'),
  days: optional(days, 'Days it begins on.', 'everyday'),
})

const bandwidth = block({
  bytes_per_second: optional(bytes(), 'The most bytes a second; 0 means no limit.'),
  window: optional(listOf(window, 1_000), 'Other limits at certain times.'),
})

/** `transfer.performance` (reference: job-policies 9). */
export const performance = block({
  parallel_writes: optional(
    block({
      requested: optional(
        whole(1, 1_000),
        'Writes in flight for the whole job; when left out as many as there are cores, and 16 where a platform is remote.',
      ),
      max: optional(whole(1), 'Has no effect.'),
    }),
    'How much is written side by side.',
  ),
  upload: optional(bandwidth, 'Limits what is sent.'),
  download: optional(bandwidth, 'Limits what is fetched.'),
  retries: optional(anything(), 'Has no effect; retries belong to the audit category.'),
})
