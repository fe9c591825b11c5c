/** The known word that somebody most likely meant; undefined when none is near. */
export function nearest(given: string, known: readonly string[]): string | undefined {
  if (given.length > 64) return undefined
  const plain = folded(given)
  let best: string | undefined
  let least = Math.min(3, Math.floor(plain.length / 3)) + 1
  for (const word of known) {
    const other = folded(word)
    if (Math.abs(other.length - plain.length) >= least) continue
    const distance = editDistance(plain, other)
    if (distance < least) {
      least = distance
      best = word
    }
  }
  return best
}

/** `largeItem`, `Large-Item` and `large_item` are one word. */
function folded(word: string): string {
  return word
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replace(/[-\s]/g, '_')
    .toLowerCase()
}

/** Inserted, left out, replaced, or two neighbours exchanged: one edit each. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let least = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, beforeLast[j - 2]! + 1)
      row.push(least)
    }
    beforeLast = last
    last = row
  }
  return last[b.length]!
}
