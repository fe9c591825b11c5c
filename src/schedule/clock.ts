/**
 * What clocks on the wall show in a time zone. Uses `Intl` and `Date` with explicit moments only, so it answers the same
 * on every replay.
 */

/** A moment as seen on the wall: days since 1970-01-01 and milliseconds after midnight. */
interface WallTime {
  day: number
  ms: number
}

const dayMs = 86_400_000

export function wallTime(timeZone: string, atMs: number): WallTime {
  const local = atMs + offsetMs(timeZone, atMs)
  const day = Math.floor(local / dayMs)
  return { day, ms: local - day * dayMs }
}

/**
 * The moment clocks show that time; the first of two when they are put back. A time that is skipped when they are put
 * forward is read by the offset before, so it comes as much later as they were put forward.
 */
export function momentOf(timeZone: string, { day, ms }: WallTime): number {
  const local = day * dayMs + ms
  const before = local - offsetMs(timeZone, local - dayMs)
  const after = local - offsetMs(timeZone, local + dayMs)
  const shown = [before, after].filter((at) => at + offsetMs(timeZone, at) === local)
  return shown.length > 0 ? Math.min(...shown) : before
}

/** 0 for Sunday. */
export function weekday(day: number): number {
  return (((day + 4) % 7) + 7) % 7
}

const formats = new Map<string, Intl.DateTimeFormat>()

function offsetMs(timeZone: string, atMs: number): number {
  if (timeZone === 'UTC') return 0
  const second = Math.floor(atMs / 1_000) * 1_000
  const parts: Record<string, number> = {}
  for (const { type, value } of formatFor(timeZone).formatToParts(second)) parts[type] = Number(value)
  const { year, month, day, hour, minute, second: s } = parts
  return Date.UTC(year!, month! - 1, day, hour, minute, s) - second
}

function formatFor(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone)
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    formats.set(timeZone, format)
  }
  return format
}
