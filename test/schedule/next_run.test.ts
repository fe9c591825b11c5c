import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { countRun, nextRun, type RunHistory, type RunsOfDay } from '../../src/schedule/next_run.ts'
import { wholeDay, type Schedule } from '../../src/schedule/schedule.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

function auto(more: Partial<Schedule> = {}): Schedule {
  return {
    mode: 'auto',
    days: [0, 1, 2, 3, 4, 5, 6],
    window: wholeDay,
    intervalMs: 15 * minute,
    timeZone: 'UTC',
    ...more,
  }
}

/** Milliseconds of a moment in ISO 8601. */
function at(iso: string): number {
  return Date.parse(iso)
}

function next(schedule: Schedule, now: string, history: Partial<RunHistory> = {}): string | undefined {
  const ms = nextRun(schedule, { nowMs: at(now), ...history })
  return ms === undefined ? undefined : new Date(ms).toISOString()
}

// 2026-01-05 is a Monday.
describe('the next run', () => {
  test('of manual and ad-hoc jobs is never scheduled', () => {
    expect(next(auto({ mode: 'manual' }), '2026-01-05T12:00:00Z')).toBeUndefined()
    expect(next(auto({ mode: 'ad-hoc' }), '2026-01-05T12:00:00Z')).toBeUndefined()
  })

  test('of an auto job that never ran is now', () => {
    expect(next(auto(), '2026-01-05T12:00:00.123Z')).toBe('2026-01-05T12:00:00.123Z')
  })

  test('comes an interval after the last start, or when a longer run ends', () => {
    const lastStartMs = at('2026-01-05T12:00:00Z')
    const ended = (iso: string) => ({ lastStartMs, lastEndMs: at(iso) })
    expect(next(auto(), '2026-01-05T12:01:00Z', ended('2026-01-05T12:01:00Z'))).toBe('2026-01-05T12:15:00.000Z')
    expect(next(auto(), '2026-01-05T12:40:00Z', ended('2026-01-05T12:40:00Z'))).toBe('2026-01-05T12:40:00.000Z')
  })

  test('is not in the past when it is overdue', () => {
    const lastStartMs = at('2026-01-01T00:00:00Z')
    expect(next(auto(), '2026-01-05T12:00:00Z', { lastStartMs, lastEndMs: lastStartMs })).toBe(
      '2026-01-05T12:00:00.000Z',
    )
  })

  test('waits for the start date, and never comes from the end date on', () => {
    const schedule = auto({ startMs: at('2026-02-01T00:00:00Z'), endMs: at('2026-02-03T00:00:00Z') })
    expect(next(schedule, '2026-01-05T12:00:00Z')).toBe('2026-02-01T00:00:00.000Z')
    expect(next(schedule, '2026-02-02T23:59:59.999Z')).toBe('2026-02-02T23:59:59.999Z')
    expect(next(schedule, '2026-02-03T00:00:00Z')).toBeUndefined()
  })

  test('is moved to the next day that is allowed', () => {
    const weekdays = auto({ days: [1, 2, 3, 4, 5] })
    expect(next(weekdays, '2026-01-09T23:50:00Z')).toBe('2026-01-09T23:50:00.000Z')
    expect(next(weekdays, '2026-01-10T00:00:00Z')).toBe('2026-01-12T00:00:00.000Z')
  })

  test('stays inside the window; its last moment is still a start', () => {
    const evening = auto({ window: { fromMs: 20 * hour, untilMs: 23.5 * hour } })
    expect(next(evening, '2026-01-05T12:00:00Z')).toBe('2026-01-05T20:00:00.000Z')
    expect(next(evening, '2026-01-05T23:30:00.000Z')).toBe('2026-01-05T23:30:00.000Z')
    expect(next(evening, '2026-01-05T23:30:00.001Z')).toBe('2026-01-06T20:00:00.000Z')
  })

  test('after a run that started at the very end of the window comes on the next day', () => {
    const evening = auto({ window: { fromMs: 20 * hour, untilMs: 23.5 * hour } })
    const lastStartMs = at('2026-01-05T23:30:00Z')
    expect(next(evening, '2026-01-05T23:30:05Z', { lastStartMs, lastEndMs: lastStartMs + 5_000 })).toBe(
      '2026-01-06T20:00:00.000Z',
    )
  })

  test('may be in the small hours of a window that began on an allowed day', () => {
    const mondayNight = auto({ days: [1], window: { fromMs: 22 * hour, untilMs: 4 * hour } })
    expect(next(mondayNight, '2026-01-06T03:00:00Z')).toBe('2026-01-06T03:00:00.000Z')
    expect(next(mondayNight, '2026-01-05T03:00:00Z')).toBe('2026-01-05T22:00:00.000Z')
    expect(next(mondayNight, '2026-01-06T04:00:01Z')).toBe('2026-01-12T22:00:00.000Z')
  })

  test('is on another day once there were as many as a day may have, a night counting as one', () => {
    const schedule = auto({ runsPerDay: 2, window: { fromMs: 22 * hour, untilMs: 4 * hour } })
    let today: RunsOfDay | undefined
    today = countRun(schedule, today, at('2026-01-05T23:30:00Z'))
    expect(next(schedule, '2026-01-06T01:00:00Z', { today })).toBe('2026-01-06T01:00:00.000Z')
    today = countRun(schedule, today, at('2026-01-06T01:00:00Z'))
    expect(next(schedule, '2026-01-06T02:00:00Z', { today })).toBe('2026-01-06T22:00:00.000Z')
    today = countRun(schedule, today, at('2026-01-06T22:00:00Z'))
    expect(today.runs).toBe(1)
  })

  test('with run_at is at that time only, once a day', () => {
    const atTwo = auto({ runAtMs: 2 * hour, intervalMs: minute })
    const lastStartMs = at('2026-01-05T02:00:00Z')
    expect(next(atTwo, '2026-01-05T01:00:00Z')).toBe('2026-01-05T02:00:00.000Z')
    expect(next(atTwo, '2026-01-05T02:00:00Z')).toBe('2026-01-05T02:00:00.000Z')
    expect(next(atTwo, '2026-01-05T02:00:00Z', { lastStartMs, lastEndMs: lastStartMs })).toBe(
      '2026-01-06T02:00:00.000Z',
    )
    expect(next(atTwo, '2026-01-05T02:00:01Z')).toBe('2026-01-06T02:00:00.000Z')
    expect(next(auto({ runAtMs: 2 * hour, days: [6] }), '2026-01-05T01:00:00Z')).toBe('2026-01-10T02:00:00.000Z')
  })
})

// Berlin: clocks forward on 2026-03-29 (02:00 to 03:00, at 01:00 UTC), back on 2026-10-25 (03:00 to 02:00, at 01:00 UTC).
describe('a time zone', () => {
  const berlin = (more: Partial<Schedule>) => auto({ timeZone: 'Europe/Berlin', ...more })

  test('says when days begin and windows open, in winter and in summer', () => {
    const morning = berlin({ days: [1], window: { fromMs: 8 * hour, untilMs: 9 * hour } })
    expect(next(morning, '2026-01-05T00:00:00Z')).toBe('2026-01-05T07:00:00.000Z')
    expect(next(morning, '2026-07-06T00:00:00Z')).toBe('2026-07-06T06:00:00.000Z')
    expect(next(berlin({ days: [1] }), '2026-01-04T22:59:00Z')).toBe('2026-01-04T23:00:00.000Z')
  })

  test('keeps run_at on the same time by the clock over a change', () => {
    const atFour = berlin({ runAtMs: 4 * hour })
    const after = (iso: string) => ({ lastStartMs: at(iso), lastEndMs: at(iso) })
    expect(next(atFour, '2026-03-28T03:00:01Z', after('2026-03-28T03:00:00Z'))).toBe('2026-03-29T02:00:00.000Z')
    expect(next(atFour, '2026-10-24T02:00:01Z', after('2026-10-24T02:00:00Z'))).toBe('2026-10-25T03:00:00.000Z')
  })

  test('a time that clocks skip comes as much later, one that comes twice counts once', () => {
    const atHalfTwo = berlin({ runAtMs: 2.5 * hour })
    expect(next(atHalfTwo, '2026-03-29T00:00:00Z')).toBe('2026-03-29T01:30:00.000Z')
    expect(next(atHalfTwo, '2026-10-25T00:00:00Z')).toBe('2026-10-25T00:30:00.000Z')
    const first = { lastStartMs: at('2026-10-25T00:30:00Z'), lastEndMs: at('2026-10-25T00:31:00Z') }
    expect(next(atHalfTwo, '2026-10-25T00:31:00Z', first)).toBe('2026-10-26T01:30:00.000Z')
  })

  test('a window that clocks skip altogether is not open that day', () => {
    const skipped = berlin({ window: { fromMs: 2.25 * hour, untilMs: 2.75 * hour } })
    expect(next(skipped, '2026-03-28T12:00:00Z')).toBe('2026-03-30T00:15:00.000Z')
  })
})

const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe', 'Pacific/Apia']
const quarter = 15 * minute
const quarterOfDay = fc.integer({ min: 0, max: 95 }).map((n) => n * quarter)

const anySchedule = (timeZone: fc.Arbitrary<string>): fc.Arbitrary<Schedule> =>
  fc
    .record({
      days: fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { minLength: 1 }),
      window: fc.oneof(fc.constant(wholeDay), fc.record({ fromMs: quarterOfDay, untilMs: quarterOfDay })),
      runAt: fc.option(quarterOfDay, { nil: undefined }),
      intervalMs: fc.integer({ min: 1, max: 200 }).map((n) => n * quarter),
      runsPerDay: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
      endMs: fc.option(moment(), { nil: undefined }),
      timeZone,
    })
    .map(({ runAt, runsPerDay, endMs, ...schedule }) => ({
      ...auto(schedule),
      ...(runAt === undefined ? {} : { runAtMs: runAt }),
      ...(runsPerDay === undefined ? {} : { runsPerDay }),
      ...(endMs === undefined ? {} : { endMs }),
    }))

function moment(): fc.Arbitrary<number> {
  return fc.integer({ min: 0, max: 4 * 365 * 96 }).map((n) => at('2024-01-01T00:00:00Z') + n * quarter)
}

const anyHistory = fc
  .record({
    now: moment(),
    sinceStart: fc.option(
      fc.integer({ min: 0, max: 300 }).map((n) => n * quarter),
      { nil: undefined },
    ),
    runs: fc.integer({ min: 1, max: 4 }),
  })
  .map(({ now, sinceStart, runs }) => ({
    now,
    lastStart: sinceStart === undefined ? undefined : now - sinceStart,
    runs,
  }))

function historyOf(
  schedule: Schedule,
  { now, lastStart, runs }: { now: number; lastStart: number | undefined; runs: number },
): RunHistory {
  if (lastStart === undefined) return { nowMs: now }
  const { day: on } = countRun(schedule, undefined, lastStart)
  return { nowMs: now, lastStartMs: lastStart, lastEndMs: Math.min(now, lastStart + quarter), today: { day: on, runs } }
}

/** By another way than the code: what a clock on the wall shows, as Intl writes it. */
function onTheWall(timeZone: string, ms: number): { weekday: number; ofDay: number } {
  const shown = new Date(ms).toLocaleString('en-US', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  const [, name, h, m] = /^(\w{3}) (\d\d):(\d\d)/.exec(shown.replace(',', ''))!
  const weekday = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'].indexOf(name!)
  return { weekday, ofDay: Number(h) * hour + Number(m) * minute + (ms % minute) }
}

function allows({ days, window: { fromMs, untilMs }, runAtMs, timeZone }: Schedule, ms: number): boolean {
  const { weekday, ofDay } = onTheWall(timeZone, ms)
  if (runAtMs !== undefined) return days.includes(weekday) && ofDay === runAtMs
  if (fromMs <= untilMs) return days.includes(weekday) && ofDay >= fromMs && ofDay <= untilMs
  return (days.includes(weekday) && ofDay >= fromMs) || (days.includes((weekday + 6) % 7) && ofDay <= untilMs)
}

test('a next run is never in the past, never too early, and always where the schedule allows it, in every zone', () => {
  fc.assert(
    fc.property(anySchedule(fc.constantFrom(...zones)), anyHistory, (schedule, given) => {
      const history = historyOf(schedule, given)
      const ms = nextRun(schedule, history)
      if (ms === undefined) return expect(schedule.endMs).toBeDefined()
      expect(ms).toBeGreaterThanOrEqual(history.nowMs)
      expect(ms).toBeGreaterThanOrEqual(history.lastEndMs ?? -Infinity)
      expect(ms).toBeLessThan(schedule.endMs ?? Infinity)
      // A skipped run_at is the one time that is not on the wall.
      if (schedule.runAtMs === undefined) {
        expect(ms).toBeGreaterThanOrEqual((history.lastStartMs ?? -Infinity) + schedule.intervalMs)
        expect(allows(schedule, ms)).toBe(true)
      } else expect(ms).toBeGreaterThan(history.lastStartMs ?? -Infinity)
      if (countRun(schedule, undefined, ms).day === history.today?.day)
        expect(history.today.runs).toBeLessThan(schedule.runsPerDay ?? Infinity)
      return undefined
    }),
    { numRuns: 1_000 },
  )
})

test('no earlier moment would have been allowed, where clocks are never changed', () => {
  fc.assert(
    fc.property(anySchedule(fc.constantFrom('UTC', 'Asia/Kolkata')), anyHistory, (schedule, given) => {
      const history = historyOf(schedule, given)
      const ms = nextRun(schedule, history)
      const { lastStartMs = -Infinity, lastEndMs = -Infinity, today, nowMs } = history
      const earliest = Math.max(
        nowMs,
        lastEndMs,
        schedule.runAtMs === undefined ? lastStartMs + schedule.intervalMs : lastStartMs + 1,
      )
      const first = Math.ceil(earliest / quarter) * quarter
      for (let t = first; t < Math.min(ms ?? Infinity, schedule.endMs ?? Infinity, first + 9 * day); t += quarter) {
        const full =
          schedule.runsPerDay !== undefined &&
          today?.day === countRun(schedule, undefined, t).day &&
          today.runs >= schedule.runsPerDay
        if (!full) expect([new Date(t).toISOString(), allows(schedule, t)]).toEqual([new Date(t).toISOString(), false])
      }
    }),
    { numRuns: 150 },
  )
})
