import type { Progress } from '../ledger/ledger.ts'
import { bytes, count, duration, printable, shorten } from '../report/format.ts'
import { shareDone } from '../report/share_done.ts'

/** A reading of the ledger's counters at a time. */
export interface Reading {
  atMs: number
  progress: Progress
}

interface Pace {
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
  if (!now || !first || now === first)
    return { itemsPerSecond: 0, bytesPerSecond: 0, atLeast: now?.progress.enumerationClosed !== true }
  const seconds = Math.max(0.001, (now.atMs - first.atMs) / 1000)
  const { done, enumerationClosed } = now.progress
  const itemsPerSecond = Math.max(0, done.items - first.progress.done.items) / seconds
  const bytesPerSecond = Math.max(0, Number(done.bytes - first.progress.done.bytes)) / seconds
  // Items and bytes count alike. By either alone a few large files among many small ones, while they pass, make hours of
  // what is done in seconds, or the other way round.
  const share = shareDone(now.progress)
  const { found } = now.progress
  const sharePerSecond = (share - shareDone({ ...first.progress, found })) / seconds
  return {
    itemsPerSecond,
    bytesPerSecond,
    ...(sharePerSecond > 0 && share < 1 ? { leftMs: ((1 - share) / sharePerSecond) * 1000 } : {}),
    atLeast: !enumerationClosed,
  }
}

/** One line without the bar: `1,040 of at least 2,003 items, still enumerating · 6.1 MiB of 12 MiB · 412 items/s, 3.2 MiB/s · at least 3 s left` */
export function progressLine(progress: Progress, speed: Pace): string {
  const [items, size] = amounts(progress, speed)
  return [speed.atLeast ? `${items}, ${enumerating}` : items, ...size, ...howFast(progress, speed)].join(' · ')
}

/** `waiting: destination: "/mnt/new" is gone` */
export function waitingLine(why: string): string {
  return `waiting: ${printable(why)}`
}

const enumerating = 'still enumerating'

function amounts({ done, found }: Progress, { atLeast }: Pace): [string, string[]] {
  if (found.items === 0 && atLeast) return ['nothing found yet', []]
  const items = `${count(done.items)} of ${atLeast ? 'at least ' : ''}${count(found.items)} items`
  return [items, [`${bytes(done.bytes)} of ${bytes(found.bytes)}`]]
}

function howFast(progress: Progress, { itemsPerSecond, bytesPerSecond, leftMs, atLeast }: Pace): string[] {
  const parts: string[] = []
  const items = Math.round(itemsPerSecond)
  // Of one long file nothing but bytes moves.
  if (items > 0) parts.push(`${count(items)} items/s, ${bytes(bytesPerSecond)}/s`)
  else if (bytesPerSecond > 0) parts.push(`${bytes(bytesPerSecond)}/s`)
  if (leftMs !== undefined) parts.push(`${atLeast ? 'at least' : 'about'} ${duration(leftMs)} left`)
  if (progress.failed > 0) parts.push(`${count(progress.failed)} failed`)
  if (progress.waiting > 0) parts.push(`${count(progress.waiting)} waiting for another try`)
  return parts
}

/** The three lines of a terminal: a bar with how much of how much, how fast that goes, and the path in hand or what is waited for. */
export function progressBar(progress: Progress, speed: Pace, width: number, waitingFor?: string): string[] {
  const [items, size] = amounts(progress, speed)
  const line = [items, ...size].join(' · ')
  const pace = [...(speed.atLeast ? [enumerating] : []), ...howFast(progress, speed)].join(' · ')
  const share = shareDone(progress)
  const percent = speed.atLeast ? '   …' : `${String(Math.floor(share * 100)).padStart(3)}%`
  const room = Math.min(24, width - line.length - 8)
  const bar = room >= 8 ? `${drawn(share, room)} ${percent}  ` : ''
  const hand = progress.inHand === undefined ? '' : `  ${shorten(printable(progress.inHand), Math.max(10, width - 4))}`
  const third = waitingFor === undefined ? hand : waitingBar(waitingFor, width)
  return [shorten(bar + line, width - 1), shorten(`  ${pace}`, width - 1), third]
}

/** What stands on a terminal when nothing is known of any progress yet. */
export function waitingBar(why: string, width: number): string {
  return shorten(`  ${waitingLine(why)}`, width - 1)
}

function drawn(share: number, width: number): string {
  const full = Math.floor(share * width)
  return '█'.repeat(full) + '░'.repeat(width - full)
}
