import type { Bandwidth } from '../job/settings.ts'

const dayMs = 86_400_000

/**
 * The most bytes a second at a moment: of the window that began last and still holds, else the limit for all times. A window
 * without an end holds until another begins, over midnight too.
 *
 * @returns undefined where there is no limit
 * @see reference: job-policies 9
 */
export function bytesPerSecond({ bytesPerSecond: always, windows }: Bandwidth, nowMs: number): number | undefined {
  let begunMs = -Infinity
  let limit = always
  for (const window of windows) {
    const startMs = lastStart(window, nowMs)
    if (startMs === undefined || startMs <= begunMs) continue
    begunMs = startMs
    limit = window.bytesPerSecond
  }
  return limit > 0 ? limit : undefined
}

type Window = Bandwidth['windows'][number]

/** When it began last, if it holds now; times of day are UTC, and a day of the week is the one it begins on. */
function lastStart({ days, fromMs, toMs }: Window, nowMs: number): number | undefined {
  const today = Math.floor(nowMs / dayMs) * dayMs
  for (let ago = 0; ago <= 7; ago++) {
    const midnight = today - ago * dayMs
    const startMs = midnight + fromMs
    if (startMs > nowMs || !days.includes(new Date(midnight).getUTCDay())) continue
    if (toMs === undefined) return startMs
    const endMs = midnight + (toMs > fromMs ? toMs : toMs + dayMs)
    return nowMs < endMs ? startMs : undefined
  }
  return undefined
}
