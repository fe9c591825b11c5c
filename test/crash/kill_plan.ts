import { sequence } from '../../scripts/bench/statistics.ts'
import type { Victim } from '../../scripts/rig/installation.ts'

export interface Kill {
  victim: Victim
  /** Files that have arrived when the clock for this kill starts to run. */
  afterFiles: number
  /** Then this much later: the count moves only while a batch is published, and deaths at other moments matter as much. */
  delayMs: number
}

interface KillPlanOptions {
  files: number
  kills: Record<Victim, number>
  seed: number
  mostDelayMs: number
}

/** Kills spread evenly over a copy, the kinds mixed evenly too. The same seed gives the same plan. */
export function killPlan({ files, kills, seed, mostDelayMs }: KillPlanOptions): Kill[] {
  const random = sequence(seed)
  const victims = (Object.entries(kills) as [Victim, number][]).flatMap(([victim, count]) =>
    Array.from({ length: count }, (_, i) => ({ victim, at: (i + 0.5) / count + random() * 1e-6 })),
  )
  victims.sort((a, b) => a.at - b.at)
  return victims.map(({ victim }, i) => ({
    victim,
    afterFiles: Math.floor(((i + 1) * files) / (victims.length + 2)),
    delayMs: Math.floor(random() * mostDelayMs),
  }))
}
