import { readdirSync, readFileSync } from 'node:fs'
import type { Home } from '../home/home.ts'

/** Ids of the Temporal servers that run on a home's database, whether anybody remembers them or not. Linux only; else none. */
export function serversOf({ temporal }: Pick<Home, 'temporal'>): number[] {
  if (process.platform !== 'linux') return []
  const found: number[] = []
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    try {
      const args = readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0')
      if (args.includes('start-dev') && args.includes(temporal)) found.push(Number(entry))
    } catch {
      // It ended meanwhile.
    }
  }
  return found
}
