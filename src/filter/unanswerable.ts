import type { Capabilities } from '../connector/capabilities.ts'
import type { DateTarget, FilterRule, FilterSetting } from '../job/settings.ts'

const times: Record<DateTarget, 'created' | 'modified' | 'accessed'> = {
  created_on: 'created',
  modified_on: 'modified',
  accessed_on: 'accessed',
}

/**
 * Rules about times that the source does not state, each in a sentence. They would match nothing, so that what they were to
 * leave out would be transferred (brake 12). With all targets one that is stated is enough.
 */
export function unanswerable(filters: readonly FilterSetting[], source: Pick<Capabilities, 'times'>): string[] {
  const ofRule = (rule: FilterRule): string[] => {
    if (rule.type === 'filter_rule') return rule.rules.flatMap(ofRule)
    if (rule.type !== 'filter_date') return []
    const unknown = rule.targets.filter((target) => source.times[times[target]] === 'none')
    const isAll = rule.targets.length === Object.keys(times).length
    if (unknown.length === 0 || (isAll && unknown.length < rule.targets.length)) return []
    return [`filter_date cannot be answered: the source does not state ${unknown.join(', ')}`]
  }
  return [...new Set(filters.flatMap(({ rules }) => rules.flatMap(ofRule)))]
}
