import { workloads, type Options } from './options.ts'
import { median, medianInterval, type Interval } from './statistics.ts'

/** What is measured, by name; each list has one number per pair or per run. */
export type Measurements = Record<string, number[]>

export interface GateRule {
  /** The workload it is of, or `all`. */
  id: string
  /** What a reader is told: `W1: rclone time / our time`. */
  what: string
  /** Ratio of paired times: each of `over` divided by its neighbour in `under`. */
  over?: string
  under?: string
  /** Or the median of one list. */
  of?: string
  atLeast?: number
  atMost?: number
  unit?: string
}

export interface GateResult {
  id: string
  what: string
  /** Undefined when what it needs could not be measured. */
  value?: number
  interval?: Interval
  threshold: string
  unit: string
  passed: boolean
  why?: string
}

/** The rules of the workloads that were asked for; what holds of all of them only when nothing less and nothing more was. */
export function rulesFor({ only, pairs }: Pick<Options, 'only' | 'pairs'>, rules: readonly GateRule[]): GateRule[] {
  const asIs = pairs === undefined && workloads.every((workload) => only.includes(workload))
  return rules.filter(({ id }) => (id === 'all' ? asIs : (only as readonly string[]).includes(id)))
}

/** Judges by the median; the interval only says how sure that is. */
export function judge(rules: readonly GateRule[], measured: Measurements): GateResult[] {
  return rules.map((rule) => {
    const values = valuesOf(rule, measured)
    const threshold = rule.atLeast === undefined ? `≤ ${rule.atMost}` : `≥ ${rule.atLeast}`
    const common = { id: rule.id, what: rule.what, threshold, unit: rule.unit ?? '' }
    if (typeof values === 'string') return { ...common, passed: false, why: values }
    const value = median(values)
    const passed = value >= (rule.atLeast ?? -Infinity) && value <= (rule.atMost ?? Infinity)
    return { ...common, value, interval: medianInterval(values), passed }
  })
}

function valuesOf({ over, under, of }: GateRule, measured: Measurements): number[] | string {
  if (of !== undefined) {
    const values = measured[of] ?? []
    return values.length === 0 ? `${of} was not measured` : values
  }
  const above = measured[over ?? ''] ?? []
  const below = measured[under ?? ''] ?? []
  const missing = above.length === 0 ? over : below.length === 0 ? under : undefined
  if (missing !== undefined) return `${missing} was not measured`
  if (above.length !== below.length) return `${above.length} runs of ${over}, ${below.length} of ${under}: not pairs`
  return above.map((time, i) => time / (below[i] as number))
}
