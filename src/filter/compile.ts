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

/**
 * Compiles one side's filters. Rules in one filter are alternatives; an exclude filter leaves out what one of its rules
 * matches, whatever the includes say; each include filter leaves out what none of its rules matches, so several narrow
 * each other. Include filters speak of items: a container is descended unless no path below it can match, and the content
 * of a container that matches by name or path is included with it.
 *
 * Filters of the destination judge what comes from there: they have no say in a one-way transfer.
 *
 * @param nowNs when the execution began; the clock of date rules
 * @throws Error for a rule that can't be answered: leaving a filter out could carry what must not be
 * @see reference: maps-filters-connections 4
 */
export function compileFilters(
  filters: Settings['filter'],
  side: 'source' | 'destination',
  nowNs: bigint,
  transferType: TransferType = 'copy',
): Filter {
  const active = side === 'source' || transferType === 'sync' ? filters[side] : []
  const compile = (filter: FilterSetting): CompiledRule[] =>
    filter.rules.map((rule) => compileRule(rule, filter.action, nowNs))
  const excludes = active.filter((filter) => filter.action === 'exclude').flatMap(compile)
  const includes = active
    .filter((filter) => filter.action === 'include')
    .map(compile)
    .map(included)
  return {
    passesAll: excludes.length === 0 && includes.length === 0,
    judge: (item, path) => {
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

function compileRule(rule: FilterRule, action: 'include' | 'exclude', nowNs: bigint): CompiledRule {
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
      return filterDate(rule.targets, rule.range, nowNs)
    case 'filter_path':
      return filterPath(rule.paths)
    case 'filter_metadata':
      throw new Error('filter_metadata: no platform here states metadata, so nobody can tell what it would leave out')
    case 'filter_rule':
      return filterRule(
        rule.rules.map((inner) => compileRule(inner, rule.action, nowNs)),
        rule.action !== action,
      )
    default:
      return rule satisfies never
  }
}
