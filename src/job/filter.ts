import { z } from 'zod'
import { defaults } from './defaults.ts'
import { moment } from './times.ts'
import {
  anything,
  block,
  bytes,
  choice,
  conflict,
  leaf,
  listOf,
  needed,
  optional,
  text,
  whole,
  type Leaf,
} from './wire.ts'

/** Filters (reference: maps-filters-connections 4). Every rule type has two names; the one with `filter_` is kept. */

const itemTargets = listOf(choice(['container', 'item', 'all', 'none']))
const dateTargets = listOf(choice(['created_on', 'modified_on', 'accessed_on', 'all', 'none']))

const extensionGroups = ['Audio', 'Windows', 'Executables', 'Movies', 'Images', 'Temporary', 'Documents'] as const

const groupName = choice(
  extensionGroups,
  Object.fromEntries(
    extensionGroups.flatMap((name) => [
      [name.toLowerCase(), name],
      [name.toUpperCase(), name],
    ]),
  ),
)

function named<const T extends string>(name: T) {
  return z.enum([`filter_${name}`, name])
}

const hidden = block({ type: named('hidden') }).transform(() => ({ type: 'filter_hidden' as const }))
const shared = block({ type: named('shared') }).transform(() => ({ type: 'filter_shared' as const }))

const pattern = block({
  type: named('pattern'),
  text: needed(text({ most: 10_000 }), 'Names, * for anything at the ends, several separated by semicolons.'),
  targets: optional(itemTargets, 'What it judges.', 'all'),
}).transform((rule, ctx) => {
  if (rule.text.split(';').every((one) => one.trim() === ''))
    conflict(ctx, ['text'], `${JSON.stringify(rule.text)} names no pattern: it would match nothing`)
  return { ...rule, type: 'filter_pattern' as const }
})

const extension = block({
  type: named('extension'),
  extensions: listOf(extensionText()),
}).transform((rule, ctx) => {
  if (rule.extensions.length === 0) conflict(ctx, ['extensions'], 'is empty: at least one extension is needed')
  return { ...rule, type: 'filter_extension' as const }
})

const group = block({ type: named('group'), groups: listOf(groupName) }).transform((rule, ctx) => {
  if (rule.groups.length === 0)
    conflict(ctx, ['groups'], `is empty: at least one of ${extensionGroups.join(', ')} is needed`)
  return { ...rule, type: 'filter_group' as const }
})

const size = block({
  type: named('size'),
  min: optional(bytes(), 'A smaller file matches. Bytes.'),
  max: optional(bytes(), 'A larger file matches. Bytes.'),
}).transform((rule, ctx) => {
  const { min, max } = rule
  if (min === undefined && max === undefined) conflict(ctx, [], 'needs min or max, in bytes')
  if (min !== undefined && max !== undefined && BigInt(min) > BigInt(max))
    conflict(ctx, ['min'], `${min} is more than max (${max}): every file would match`)
  return { ...rule, type: 'filter_size' as const }
})

type DateRangeDocument =
  { type: 'day' | 'week' | 'month' | 'year'; value: number } | { type: 'range'; from?: number; to?: number }

const range = block({
  type: optional(
    choice(['day', 'week', 'month', 'year', 'range']),
    'Within the last so many, or between two moments.',
    'day',
  ),
  value: optional(whole(1, 100_000), 'How many days, weeks, months or years back.'),
  from: optional(moment(), 'With type range: not earlier than.'),
  to: optional(moment(), 'With type range: not later than.'),
}).transform((given, ctx): DateRangeDocument => {
  const { from, to, value } = given
  const bounded = from !== undefined || to !== undefined
  const type = given.type ?? (bounded && value === undefined ? 'range' : 'day')
  if (type === 'range') {
    if (!bounded) conflict(ctx, [], 'needs from or to')
    if (value !== undefined) conflict(ctx, ['value'], 'means nothing with type range, which takes from and to')
    if (from !== undefined && to !== undefined && from > to) conflict(ctx, ['from'], `${from} is later than to (${to})`)
    return { type, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }
  }
  if (value === undefined) conflict(ctx, ['value'], `is missing; how many ${type}s back`)
  if (bounded) conflict(ctx, [from === undefined ? 'to' : 'from'], `means nothing with type ${type}, which takes value`)
  return { type, value: value ?? 1 }
})

const date = block({
  type: named('date'),
  targets: optional(dateTargets, 'Which times it judges; one that matches is enough.', defaults.date_target),
  range,
}).transform((rule) => ({ ...rule, type: 'filter_date' as const }))

const path = block({
  type: named('path'),
  path: optional(listOf(pathText()), 'One exact path.'),
  paths: optional(listOf(pathText()), 'Exact paths below the source folder.'),
}).transform(({ path: one = [], paths: many = [] }, ctx) => {
  const paths = [...new Set([...one, ...many])]
  if (paths.length === 0) conflict(ctx, ['paths'], 'is missing; it takes paths such as /folder/file.txt')
  return { type: 'filter_path' as const, paths }
})

const metadata = block({
  type: named('metadata'),
  filter: optional(anything(), 'A condition: {"name": "Level", "op": "eq", "value": 3}.'),
  text: optional(text({ most: 10_000 }), 'The same in words: [Level]=3 OR [Level]=4'),
}).transform((rule, ctx) => {
  if ((rule.filter === undefined) === (rule.text === undefined)) conflict(ctx, [], 'needs either filter or text')
  return { ...rule, type: 'filter_metadata' as const }
})

type Output<T extends z.ZodType> = z.output<T>

export interface RuleGroup {
  type: 'filter_rule'
  action?: 'include' | 'exclude' | undefined
  rules: RuleDocument[]
}

export type RuleDocument =
  | Output<typeof hidden>
  | Output<typeof shared>
  | Output<typeof pattern>
  | Output<typeof extension>
  | Output<typeof group>
  | Output<typeof size>
  | Output<typeof date>
  | Output<typeof path>
  | Output<typeof metadata>
  | RuleGroup

const ruleTypes = ['shared', 'hidden', 'pattern', 'extension', 'group', 'size', 'date', 'path', 'metadata', 'rule'].map(
  (name) => `filter_${name}`,
)

function groupKeys() {
  return {
    type: z.enum(['filter_rule', 'rule'], { error: 'filter_rule; rules of other types go into its rules' }).optional(),
    action: optional(
      choice(['exclude', 'include']),
      'What happens to an item that matches any of the rules.',
      'exclude',
    ),
    get rules() {
      return listOf(rule)
    },
  }
}

function asGroup(
  given: { rules: RuleDocument[]; action?: 'include' | 'exclude' | undefined },
  ctx: z.core.$RefinementCtx,
): RuleGroup {
  if (given.rules.length === 0) conflict(ctx, ['rules'], 'is empty: a filter without rules would match nothing')
  return { ...given, type: 'filter_rule' }
}

const rule: z.ZodType<RuleDocument> = z.discriminatedUnion(
  'type',
  [hidden, shared, pattern, extension, group, size, date, path, metadata, block(groupKeys()).transform(asGroup)],
  {
    error: (issue) =>
      (issue.code as string) === 'invalid_type'
        ? 'a rule, which is an object with type'
        : `one of ${ruleTypes.join(', ')}`,
  },
)

const filterRule = block(groupKeys()).transform(asGroup)

/** `transfer.filter`: each side a list of filters. */
export const filter = block({
  source: optional(listOf(filterRule), 'Judge what comes from the source.'),
  destination: optional(listOf(filterRule), 'Judge what comes from the destination, in a sync.'),
})

export type FilterDocument = z.output<typeof filter>

function extensionText(): Leaf<string> {
  const allowed = 'one file extension such as txt or .txt; several are a list of texts'
  const form = '^(\\*?\\.)?[^/\\\\*?,;\\s]+$'
  const one = new RegExp(form)
  return leaf(allowed, { type: 'string', minLength: 1, maxLength: 255, pattern: form }, (given) =>
    typeof given === 'string' &&
    given.length <= 255 &&
    given.isWellFormed() &&
    one.test(given) &&
    /[^.\0]/.test(given) &&
    !given.includes('\0')
      ? given
      : undefined,
  )
}

function pathText(): Leaf<string> {
  return leaf('a path below the source folder, beginning with /', { type: 'string', pattern: '^/' }, (given) =>
    typeof given === 'string' &&
    given.startsWith('/') &&
    given.length > 1 &&
    given.length <= 32_767 &&
    given.isWellFormed() &&
    !given.includes('\0') &&
    !given.split('/').includes('..')
      ? plainPath(given)
      : undefined,
  )
}

/** `/a/./b/`, `/a//b/*` and `/a/b/**` → `/a/b`: a folder stands for everything in it. Undefined when nothing is left. */
function plainPath(given: string): string | undefined {
  const segments = given.split('/').filter((segment) => segment !== '' && segment !== '.')
  while (/^\*\*?$/.test(segments.at(-1) ?? '')) segments.pop()
  return segments.length === 0 ? undefined : `/${segments.join('/')}`
}
