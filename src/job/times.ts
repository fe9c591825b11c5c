import type { z } from 'zod'
import { block, choice, conflict, leaf, needed, optional, orShort, whole, type Leaf } from './wire.ts'

/** Wire forms of moments, lengths of time and times of day. */

const units = ['ns', 'us', 'ms', 's', 'm', 'h', 'd'] as const
type DurationUnit = (typeof units)[number]

interface Duration {
  value: number
  unit: DurationUnit
}

const msPerUnit: Record<DurationUnit, number> = {
  ns: 1e-6,
  us: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** Milliseconds, rounded up so that a duration is never shorter than asked for. */
export function durationMs({ value, unit }: Duration): number {
  return Math.ceil(value * msPerUnit[unit])
}

const tenYearsMs = 3_653 * msPerUnit.d

/** `{"value": 15, "unit": "m"}` or `"15m"`, from a second to ten years. */
export function duration() {
  const parts = block(
    { value: needed(amount(), 'How many.'), unit: needed(choice(units), 'Of what.') },
    { called: 'a length of time such as {"value": 15, "unit": "m"} or "15m" (ns, us, ms, s, m, h or d)' },
  )
  const short = { type: 'string', pattern: '^[0-9]+(\\.[0-9]+)? ?(ns|us|ms|s|m|h|d)$' }
  return orShort(parts, short, fromText).transform((read, ctx): Duration => {
    const ms = durationMs(read)
    if (ms < msPerUnit.s || ms > tenYearsMs)
      conflict(ctx, [], `${read.value} ${read.unit} is not between 1 s and 10 years`)
    return read
  })
}

function amount(): Leaf<number> {
  const json = { anyOf: [{ type: 'number', exclusiveMinimum: 0 }, { type: 'string' }] }
  return leaf('a number above 0', json, (given) => {
    const number = typeof given === 'string' && /^\d{1,15}(\.\d{1,15})?$/.test(given) ? Number(given) : given
    return typeof number === 'number' && number > 0 ? number : undefined
  })
}

function fromText(given: unknown): unknown {
  const match = typeof given === 'string' ? /^(\d{1,15}(?:\.\d{1,15})?) ?(ns|us|ms|s|m|h|d)$/.exec(given) : null
  return match ? { value: match[1], unit: match[2] } : given
}

const firstSecond = -62_135_596_800 // year 1
const lastSecond = 253_402_300_799 // year 9999

/** A moment, read to Unix seconds: a number, its digits as text, or ISO 8601 (UTC unless it says otherwise). */
export function moment(): Leaf<number> {
  const json = {
    anyOf: [{ type: 'number' }, { type: 'string', pattern: '^(-?[0-9]+(\\.[0-9]+)?|[0-9]{4}-[0-9]{2}-[0-9]{2}.*)$' }],
  }
  const allowed = 'a moment in seconds since 1970 (not milliseconds) or as 2026-01-31T20:00:00Z'
  return leaf(allowed, json, (given) => {
    const seconds = typeof given === 'string' ? secondsOf(given) : given
    return typeof seconds === 'number' && seconds >= firstSecond && seconds <= lastSecond ? seconds + 0 : undefined
  })
}

function secondsOf(given: string): number | undefined {
  if (/^-?\d{1,15}(\.\d{1,9})?$/.test(given)) return Number(given)
  const match = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+-]\d{2}:?\d{2})?)?$/.exec(given)
  if (!match) return undefined
  const [, day, time = '00:00', zone = 'Z'] = match
  const midnight = Date.parse(`${day}T00:00:00Z`)
  // Date.parse takes 30 February for 2 March.
  if (Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== day) return undefined
  const ms = Date.parse(`${day}T${time}${zone.replace(/^([+-]\d{2})(\d{2})$/, '$1:$2')}`)
  return Number.isNaN(ms) ? undefined : ms / 1_000
}

/** `{"hr": 20, "min": 30}` or `"20:30"`. */
export function timeOfDay() {
  const parts = block(
    {
      hr: needed(whole(0, 23), 'Hours.'),
      min: optional(whole(0, 59), 'Minutes.', 0),
      sec: optional(whole(0, 59), 'Seconds.', 0),
      ms: optional(whole(0, 999), 'Milliseconds.', 0),
    },
    { called: 'a time of day such as {"hr": 20, "min": 30} or "20:30"' },
  )
  const short = '^([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?$'
  return orShort(parts, { type: 'string', pattern: short }, (given) => {
    const match = typeof given === 'string' ? new RegExp(short).exec(given) : null
    if (!match) return given
    const [, hr, min, sec] = match
    return { hr: Number(hr), min: Number(min), ...(sec === undefined ? {} : { sec: Number(sec) }) }
  })
}

type TimeOfDay = z.output<ReturnType<typeof timeOfDay>>

export function timeOfDayMs({ hr, min = 0, sec = 0, ms = 0 }: TimeOfDay): number {
  return ((hr * 60 + min) * 60 + sec) * 1_000 + ms
}
