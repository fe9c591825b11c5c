import type { Item } from '../connector/item.ts'
import type { FilterRule, FilterSetting, Settings, TransferType } from '../job/settings.ts'
import { filterDate } from './filter_date.ts'
import { filterExtension } from './filter_extension.ts'
import { filterGroup } from './filter_group.ts'
import { filterHidden } from './filter_hidden.ts'
import { filterPath } from './filter_path.ts'
import { filterPattern } from './filter_pattern.ts'
import { filterRule } from './filter_rule.ts'
import { filterShared } from './filter_shared.ts'
import { filterSize } from './filter_size.ts'
import type { CompiledRule } from './rule.ts'

interface FilteredOut {
  /** The type of the rule that said so. */
  rule: string
  why: string
}

export interface Filter {
  /** There is nothing to judge. */
  readonly passesAll: boolean
  /**
   * Whether an item is left out, and why. A container that is left out takes its whole subtree with it.
   *
   * @param path from the job's root, beginning with `/` and ending with the item's name
   */
  judge(item: Item, path: string): FilteredOut | undefined
}

interface FilterContext {
  /** When the execution began, nanoseconds since 1970; the clock of date rules. */
  nowNs: bigint
  transferType?: TransferType
  /** Whether the side tells names apart by case; else no path does. */
  caseSensitive?: boolean
  /** Told once of each rule that matches something, by its number: `ruleTexts` has them in that order. */
  onMatch?: (rule: number) => void
}

/** The rules of one side in words, in their order in the document. */
export function ruleTexts(filters: readonly FilterSetting[]): string[] {
  return filters.flatMap(({ action, rules }) =>
    rules.map((rule) => `${rule.type}: ${compileRule(rule, action, { nowNs: 0n }).text}`),
  )
}

/**
 * Compiles one side's filters. Rules in one filter are alternatives; an exclude filter leaves out what one of its rules
 * matches, whatever the includes say; each include filter leaves out what none of its rules matches, so several narrow
 * each other. Include filters speak of items: a container is descended unless no path below it can match, and the content
 * of a container that matches by name or path is included with it.
 *
 * Filters of the destination judge what comes from there, and with `publish` protect what they leave out: they have no say in
 * any other one-way transfer.
 *
 * @throws Error for a rule that can't be answered: leaving a filter out could carry what must not be
 * @see reference: maps-filters-connections 4
 */
export function compileFilters(
  filters: Settings['filter'],
  side: 'source' | 'destination',
  context: FilterContext,
): Filter {
  const hasSay = side === 'source' || context.transferType === 'sync' || context.transferType === 'publish'
  const active = hasSay ? filters[side] : []
  const unmatched = new Map<number, CompiledRule>()
  let number = 0
  const compiled = active.map(({ action, rules }) => ({
    action,
    rules: rules.map((rule) => {
      const compiledRule = compileRule(rule, action, context)
      if (context.onMatch) unmatched.set(number++, compiledRule)
      return compiledRule
    }),
  }))
  const rulesOf = (wanted: FilterSetting['action']) =>
    compiled.flatMap(({ action, rules }) => (action === wanted ? [rules] : []))
  const excludes = rulesOf('exclude').flat()
  const includes = rulesOf('include').map(included)
  // Each is asked until it has matched once, whatever the others say.
  const watch = (item: Item, path: string): void => {
    for (const [at, rule] of unmatched) {
      if (!rule.matches(item, path)) continue
      unmatched.delete(at)
      context.onMatch?.(at)
    }
  }
  return {
    passesAll: excludes.length === 0 && includes.length === 0,
    judge: (item, path) => {
      if (unmatched.size > 0) watch(item, path)
      for (const rule of excludes) {
        if (rule.matches(item, path)) return { rule: rule.type, why: `excluded: ${rule.text}` }
      }
      for (const include of includes) {
        if (!include.passes(item, path)) return { rule: include.type, why: `not included: ${include.text}` }
      }
      return undefined
    },
  }
}

interface Include {
  type: string
  text: string
  passes(item: Item, path: string): boolean
}

function included(rules: readonly CompiledRule[]): Include {
  const { reaches, coveredBy, ...any } = filterRule(rules, false)
  return {
    type: rules.length === 1 ? (rules[0]?.type ?? any.type) : any.type,
    text: any.text === '' ? 'no rule' : any.text,
    passes: (item, path) => {
      if (item.kind === 'container' && rules.length > 0 && !reaches) return true
      return (
        any.matches(item, path) || coveredBy?.(path) === true || (item.kind === 'container' && reaches?.(path) === true)
      )
    },
  }
}

function compileRule(rule: FilterRule, action: 'include' | 'exclude', context: FilterContext): CompiledRule {
  switch (rule.type) {
    case 'filter_shared':
      return filterShared()
    case 'filter_hidden':
      return filterHidden()
    case 'filter_pattern':
      return filterPattern(rule.text, rule.targets)
    case 'filter_extension':
      return filterExtension(rule.extensions)
    case 'filter_group':
      return filterGroup(rule.groups)
    case 'filter_size':
      return filterSize(action, rule)
    case 'filter_date':
      return filterDate(rule.targets, rule.range, context.nowNs)
    case 'filter_path':
      return filterPath(rule.paths, context.caseSensitive)
    case 'filter_metadata':
      throw new Error('filter_metadata: no platform here states metadata, so nobody can tell what it would leave out')
    case 'filter_rule':
      return filterRule(
        rule.rules.map((inner) => compileRule(inner, rule.action, context)),
        rule.action !== action,
      )
    default:
      return rule satisfies never
  }
}
