import { readdirSync, readFileSync } from 'node:fs'

/** Ids of the Temporal servers that run on a home's database, whether anybody remembers them or not. */
export function serversOf(home: string): number[] {
  const found: number[] = []
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    try {
      const [, ...args] = readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0')
      if (args.includes('start-dev') && args.some((arg) => arg.startsWith(`${home}/`))) found.push(Number(entry))
    } catch {
      // It ended meanwhile.
    }
  }
  return found
}
