import type { Progress } from '../ledger/ledger.ts'
import { bytes, count, duration, printable, shorten } from '../report/format.ts'

/** A reading of the ledger's counters at a time. */
export interface Reading {
  atMs: number
  progress: Progress
}

export interface Pace {
  itemsPerSecond: number
  bytesPerSecond: number
  /** Absent until there is something to go by. */
  leftMs?: number
  /** More may yet be found, so what is left is a lower bound. */
  atLeast: boolean
}

const windowMs = 10_000

/** How fast it goes, from the readings of the last ten seconds, oldest first; readings outside are dropped from the array. */
export function pace(readings: Reading[]): Pace {
  const now = readings.at(-1)
  while (readings.length > 2 && now && now.atMs - (readings[0]?.atMs ?? 0) > windowMs) readings.shift()
  const first = readings[0]
  if (!now || !first || now === first) return { itemsPerSecond: 0, bytesPerSecond: 0, atLeast: true }
  const seconds = Math.max(0.001, (now.atMs - first.atMs) / 1000)
  const { found, done, enumerationClosed } = now.progress
  const itemsPerSecond = Math.max(0, done.items - first.progress.done.items) / seconds
  const bytesPerSecond = Math.max(0, Number(done.bytes - first.progress.done.bytes)) / seconds
  const items = Math.max(0, all(now.progress) - done.items)
  const rest = Math.max(0, Number(found.bytes - done.bytes))
  // Many small files are bound by their number, few large ones by their bytes: the slower of the two counts.
  const secondsLeft = Math.max(
    itemsPerSecond > 0 ? items / itemsPerSecond : 0,
    bytesPerSecond > 0 ? rest / bytesPerSecond : 0,
  )
  const known = itemsPerSecond > 0 || bytesPerSecond > 0
  return {
    itemsPerSecond,
    bytesPerSecond,
    ...(known ? { leftMs: secondsLeft * 1000 } : {}),
    atLeast: !enumerationClosed,
  }
}

/** One line without the bar: `1,040 of at least 2,003 items (still enumerating) · 6.1 of 12 MiB · 412 items/s, 3.2 MiB/s · at least 3 s left` */
export function progressLine(progress: Progress, { itemsPerSecond, bytesPerSecond, leftMs, atLeast }: Pace): string {
  const parts = [
    `${count(progress.done.items)} of ${atLeast ? 'at least ' : ''}${count(all(progress))} items${atLeast ? ', still enumerating' : ''}`,
    `${bytes(progress.done.bytes)} of ${bytes(progress.found.bytes)}`,
  ]
  if (itemsPerSecond > 0 || bytesPerSecond > 0)
    parts.push(`${count(Math.round(itemsPerSecond))} items/s, ${bytes(bytesPerSecond)}/s`)
  if (leftMs !== undefined) parts.push(`${atLeast ? 'at least' : 'about'} ${duration(leftMs)} left`)
  if (progress.failed > 0) parts.push(`${count(progress.failed)} failed`)
  if (progress.waiting > 0) parts.push(`${count(progress.waiting)} waiting for another try`)
  return parts.join(' · ')
}

/** The two lines of a terminal: a bar with the numbers, and the path in hand. */
export function progressBar(progress: Progress, speed: Pace, width: number): [string, string] {
  const line = progressLine(progress, speed)
  const share = shareDone(progress)
  const percent = speed.atLeast ? '   …' : `${String(Math.floor(share * 100)).padStart(3)}%`
  const room = Math.min(24, width - line.length - 8)
  const bar = room >= 8 ? `${drawn(share, room)} ${percent}  ` : ''
  const hand = progress.inHand === undefined ? '' : `  ${shorten(printable(progress.inHand), Math.max(10, width - 4))}`
  return [shorten(bar + line, width - 1), hand]
}

/** Never 1 before everything is done. */
export function shareDone(progress: Progress): number {
  const items = all(progress)
  if (items === 0) return 0
  const byItems = progress.done.items / items
  const byBytes = progress.found.bytes > 0n ? Number(progress.done.bytes) / Number(progress.found.bytes) : byItems
  return Math.min(1, Math.max(0, (byItems + byBytes) / 2))
}

function all(progress: Progress): number {
  return progress.found.items
}

function drawn(share: number, width: number): string {
  const full = Math.floor(share * width)
  return '█'.repeat(full) + '░'.repeat(width - full)
}
