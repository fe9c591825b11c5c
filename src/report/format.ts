/** `1,234,567` */
export function count(n: number | bigint): string {
  return n.toLocaleString('en-US')
}

/** `1 file`, `2 files` */
export function counted(n: number, one: string, several = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : several}`
}

const units = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** `512 B`, `1.4 KiB`, `23 MiB` */
export function bytes(n: number | bigint): string {
  let value = Number(n)
  if (value < 1024) return `${Math.round(value)} B`
  let unit = -1
  do {
    value /= 1024
    unit++
  } while (value >= 1023.95 && unit < units.length - 1)
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value).toLocaleString('en-US')} ${units[unit]}`
}

/** `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h` */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  const s = Math.round(seconds)
  if (s < 60) return `${s} s`
  if (s < 3_600) return two(Math.floor(s / 60), 'min', s % 60, 's')
  if (s < 86_400) return two(Math.floor(s / 3_600), 'h', Math.floor((s % 3_600) / 60), 'min')
  return two(Math.floor(s / 86_400), 'd', Math.floor((s % 86_400) / 3_600), 'h')
}

/**
 * Makes a name safe to print: control characters, among them those that move a terminal's cursor or turn the text
 * around, show as their code.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (c) =>
    c === '\u200D' ? c : `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`,
  )
}

const noColumn = /[\p{Mn}\p{Me}\u200D\uFE0F]/u
const twoColumns =
  /[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uA960-\uA97F\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6\u{1F000}-\u{3FFFD}]|\p{Emoji_Presentation}/u

/** Columns a terminal needs, near enough: of joined emoji it says too many, never too few. */
export function columns(text: string): number {
  let n = 0
  for (const c of text) n += noColumn.test(c) ? 0 : twoColumns.test(c) ? 2 : 1
  return n
}

/** Cuts the middle out of what is too wide: both ends of a path say more than its middle. */
export function shorten(text: string, width: number): string {
  if (columns(text) <= width) return text
  const room = Math.max(0, width - 1)
  const letters = [...new Intl.Segmenter().segment(text)].map((s) => s.segment)
  const head = take(letters, Math.floor(room / 3))
  const tail = take([...letters].reverse(), room - columns(head.join('')))
  return `${head.join('')}…${tail.reverse().join('')}`
}

/** Lines up columns; numbers (`right`) to the right. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const widths: number[] = []
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, columns(cell))))
  return rows.map((row) =>
    row
      .map((cell, i) => {
        const space = ' '.repeat((widths[i] ?? 0) - columns(cell))
        return right.includes(i) ? space + cell : cell + space
      })
      .join('  ')
      .trimEnd(),
  )
}

function take(letters: string[], width: number): string[] {
  const taken: string[] = []
  let used = 0
  for (const letter of letters) {
    used += columns(letter)
    if (used > width) break
    taken.push(letter)
  }
  return taken
}

function two(a: number, unitA: string, b: number, unitB: string): string {
  return b === 0 ? `${a} ${unitA}` : `${a} ${unitA} ${b} ${unitB}`
}
