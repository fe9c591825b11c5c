import { defaults } from './defaults.ts'
import type { JobDocument } from './document.ts'
import { sides } from './endpoint.ts'
import type { RuleDocument } from './filter.ts'
import { mapTypes, type MapDocument, type MapType } from './maps.ts'
import { misplacedBrakes } from './misplaced_brakes.ts'
import { shown } from '../secret/shown.ts'
import type { Problem } from './problem.ts'
import { settingsOf } from './settings_of.ts'

/**
 * The one table of what is known but not carried out yet (brake 12). `inert`: leaving it out does no harm, so
 * there is a warning. `harmful`: leaving it out could lose, expose or overwrite something, so the job doesn't start.
 */
interface Gap {
  /** JSON path of the setting. */
  setting: string
  /** The values it is about, for people. */
  values: string
  harm: 'inert' | 'harmful'
  /** What happens instead, or why not. */
  sentence: string
  /** Which of the values asked for, for the sentence's end. */
  which?: (job: JobDocument) => readonly string[]
  /** Whether the job asks for it. Inert ones only when the document says so itself, harmful ones also by default. */
  asked: (job: JobDocument, ends: Ends) => boolean
}

/** What only the connections and the catalog know. */
export interface Ends {
  source?: End
  destination?: End
  /** The maps that the job refers to, as stored. */
  accountMap?: object | undefined
  groupMap?: object | undefined
}

interface End {
  platform?: string
  /** The connection says `impersonation: "ignore"`. */
  ignoresImpersonation?: boolean
}

export interface NotCarriedOut {
  warnings: Problem[]
  /** A job with any of these doesn't start. */
  refusals: Problem[]
}

/** What of the job is not carried out in this release. */
export function notCarriedOut(job: JobDocument, ends: Ends = {}): NotCarriedOut {
  const asked = gaps.filter((gap) => gap.asked(job, ends))
  const problem = ({ setting, sentence, which }: Gap): Problem => ({
    path: setting,
    message: which === undefined ? sentence : `${sentence}: ${listed(which(job))}`,
  })
  return {
    warnings: asked.filter((gap) => gap.harm === 'inert').map(problem),
    refusals: [
      ...asked.filter((gap) => gap.harm === 'harmful').map(problem),
      ...misplacedBrakes(job, { account_map: ends.accountMap, group_map: ends.groupMap }),
    ],
  }
}

function listed(values: readonly string[]): string {
  const most = 5
  const first = values.slice(0, most).map((value) => shown(value))
  return [...first, ...(values.length > most ? [`and ${values.length - most} more`] : [])].join(', ')
}

/** Platforms whose items tell neither, however they are connected; as their capabilities (`marks`) say. */
export const withoutMarks: ReadonlySet<string> = new Set(['vault', 's3', 'owncloud', 'webdav'])

export const marks = ['hidden', 'shared'] as const

/** Of a filter about something that items of the source never tell. */
export function matchesNothing(mark: (typeof marks)[number]): string {
  return `filter_${mark} matches nothing: the source does not say what is ${mark}`
}

const pathsWithWildcards = pathGap({
  values: 'filter_path with * or \\',
  harm: 'harmful',
  sentence:
    'a path is exact, with / between names; * and \\ are characters of a name in it, so what was meant would not be matched (filter_pattern has *)',
  suspicious: (path) => /[*\\]/.test(path),
})

const pathsPerhapsMistyped = pathGap({
  values: 'filter_path with ? or [, or a space before or after a name',
  harm: 'inert',
  sentence: 'a path is exact; ?, [ and spaces at the ends of names stand for themselves',
  suspicious: (path) => /[?[]|\/\s|\s(\/|$)/.test(path),
})

function pathGap({
  suspicious,
  ...gap
}: Pick<Gap, 'values' | 'harm' | 'sentence'> & { suspicious: (path: string) => boolean }): Gap {
  const which = ({ transfer }: JobDocument): string[] =>
    (transfer.filter?.source ?? []).flatMap(pathsIn).filter((path) => suspicious(path))
  return { setting: 'transfer.filter.source', ...gap, which, asked: (job) => which(job).length > 0 }
}

function pathsIn(rule: RuleDocument): string[] {
  if (rule.type === 'filter_rule') return rule.rules.flatMap(pathsIn)
  return rule.type === 'filter_path' ? rule.paths : []
}

const groupsByUsername: Gap = {
  setting: 'transfer.group_map',
  values: 'map_by.username',
  harm: 'inert',
  sentence: 'groups have no user names; they are matched by id, email, name or caption',
  asked: (job, ends) => mapOf(job, 'group_map', ends)?.map_by?.username === true,
}

export const gaps: readonly Gap[] = [
  {
    setting: 'kind',
    values: 'folder_mapping, personal_drive, policy',
    harm: 'harmful',
    sentence: 'only jobs of kind transfer can run',
    asked: (job) => (job.kind ?? defaults.kind) !== 'transfer',
  },
  {
    setting: 'disabled',
    values: 'true',
    harm: 'harmful',
    sentence: 'a disabled job does not start',
    asked: (job) => job.disabled === true,
  },
  ...(['account_map', 'group_map'] as const).map((map): Gap => ({
    setting: `transfer.${map}`,
    values: 'any, with sync',
    harm: 'harmful',
    sentence:
      'a map leads from the source to the destination; with sync, which goes both ways, it is not carried out yet',
    asked: (job) => settingsOf(job).transferType === 'sync' && job.transfer[map] !== undefined,
  })),
  {
    setting: 'transfer.delete_propagation',
    values: 'any, with publish, move, migrate or taxonomy',
    harm: 'inert',
    sentence:
      'has no effect with this transfer_type: publish always follows deletes, move, migrate and taxonomy never do',
    asked: (job) =>
      job.transfer.delete_propagation !== undefined && !['copy', 'sync'].includes(settingsOf(job).transferType),
  },
  {
    setting: 'transfer.batch_mode',
    values: 'initial, always',
    harm: 'inert',
    sentence: 'these platforms have no bulk interface; items are written one by one',
    asked: ({ transfer }) => transfer.batch_mode !== undefined && transfer.batch_mode !== 'none',
  },
  {
    setting: 'transfer.lock_propagation',
    values: 'mirror_lock, mirror_owner',
    harm: 'inert',
    sentence: 'these platforms have no locks to carry',
    asked: ({ transfer }) => transfer.lock_propagation !== undefined && transfer.lock_propagation !== 'ignore',
  },
  {
    setting: 'transfer.permissions.policy',
    values: 'diff',
    harm: 'harmful',
    sentence: 'permissions are not taken away yet, so somebody could keep access; only none and add are carried out',
    asked: (job) => settingsOf(job).permissions.policy === 'diff',
  },
  {
    setting: 'transfer.permissions.links',
    values: 'true',
    harm: 'inert',
    sentence: 'these platforms have no shared links to carry',
    asked: (job) => settingsOf(job).permissions.links,
  },
  {
    setting: 'transfer.permissions.import',
    values: 'any',
    harm: 'harmful',
    sentence: 'permissions are not read from a file yet; items would arrive with others than it says',
    asked: ({ transfer }) => transfer.permissions?.import !== undefined,
  },
  {
    setting: 'transfer.restricted_content',
    values: 'convert',
    harm: 'inert',
    sentence: 'a file type that the destination refuses is flagged, not zipped',
    asked: ({ transfer }) => transfer.restricted_content === 'convert',
  },
  {
    setting: 'transfer.versioning',
    values: 'preserve native, from_source, from_destination',
    harm: 'inert',
    sentence: 'these platforms keep no versions; the latest content is carried',
    asked: ({ transfer: { versioning } }) =>
      versioning !== undefined &&
      (versioning.preserve === 'native' ||
        versioning.select === 'all' ||
        versioning.from_source !== undefined ||
        versioning.from_destination !== undefined),
  },
  {
    setting: 'transfer.performance.parallel_writes.max',
    values: 'any',
    harm: 'inert',
    sentence: 'has no effect; parallel_writes.requested says how much is written side by side',
    asked: ({ transfer }) => transfer.performance?.parallel_writes?.max !== undefined,
  },
  {
    setting: 'transfer.performance.retries',
    values: 'any',
    harm: 'inert',
    sentence: 'has no effect; an item is tried three times in an execution, whatever it says',
    asked: ({ transfer }) => transfer.performance?.retries !== undefined,
  },
  {
    setting: 'transfer.filter.source',
    values: 'filter_metadata',
    harm: 'harmful',
    sentence: 'rules about metadata cannot be answered by these platforms; what they leave out would be transferred',
    asked: ({ transfer }) => (transfer.filter?.source ?? []).some((rule) => asksFor('filter_metadata', rule)),
  },
  ...marks.map((mark): Gap => ({
    setting: 'transfer.filter.source',
    values: `filter_${mark}, from ${[...withoutMarks].join(', ')}`,
    harm: 'inert',
    sentence: matchesNothing(mark),
    asked: ({ transfer }, { source }) =>
      withoutMarks.has(source?.platform ?? '') &&
      (transfer.filter?.source ?? []).some((rule) => asksFor(`filter_${mark}`, rule)),
  })),
  {
    setting: 'transfer.filter.source',
    values: 'filter_pattern with ? or [',
    harm: 'inert',
    sentence: 'a pattern knows * only; ? and [ stand for themselves, and the rule matches names that have them',
    asked: ({ transfer }) => (transfer.filter?.source ?? []).some(hasOtherWildcards),
  },
  pathsWithWildcards,
  pathsPerhapsMistyped,
  {
    setting: 'transfer.filter.destination',
    values: 'any, but with publish and sync',
    harm: 'inert',
    sentence: 'protects what publish would remove; with this transfer_type nothing comes from the destination',
    asked: (job) =>
      (job.transfer.filter?.destination?.length ?? 0) > 0 &&
      !['publish', 'sync'].includes(settingsOf(job).transferType),
  },
  {
    setting: 'transfer.rendition',
    values: 'rendition',
    harm: 'inert',
    sentence: 'these platforms have nothing to convert; content is carried as it is',
    asked: ({ transfer }) => transfer.rendition === 'rendition',
  },
  {
    setting: 'transfer.tags',
    values: 'add',
    harm: 'inert',
    sentence: 'these platforms have no tags to carry',
    asked: ({ transfer }) => transfer.tags === 'add',
  },
  {
    setting: 'transfer.metadata_map',
    values: 'any',
    harm: 'inert',
    sentence: 'properties are not carried yet; they stay at the source',
    asked: ({ transfer }) => transfer.metadata_map !== undefined,
  },
  {
    setting: 'transfer.metadata_import',
    values: 'any',
    harm: 'inert',
    sentence: 'properties are not read from a file yet; it can be done by a later run',
    asked: ({ transfer }) => transfer.metadata_import !== undefined,
  },
  ...(['item_inspection_policy', 'item_inspection_policy_next'] as const).map((key): Gap => ({
    setting: `transfer.${key}`,
    values: 'filtered, shared, all, flagged',
    harm: 'inert',
    sentence: 'says what reports track besides; every item found at the source is tracked anyway',
    asked: ({ transfer }) => transfer[key] !== undefined && transfer[key] !== 'none',
  })),
  {
    setting: 'transfer.schedule',
    values: 'any',
    harm: 'inert',
    sentence: 'is for the children of mapping jobs; when this job runs is said by schedule, beside transfer',
    asked: ({ transfer }) => transfer.schedule !== undefined,
  },
  ...sides.flatMap((side): Gap[] => [
    {
      setting: `transfer.${side}.impersonate_as`,
      values: 'any, unless the connection says impersonation: "ignore"',
      harm: 'harmful',
      sentence:
        'this platform cannot work as somebody else, and as its own account may see and do more; a connection with impersonation: "ignore" in its auth goes without',
      asked: ({ transfer }, ends) =>
        transfer[side].impersonate_as !== undefined && ends[side]?.ignoresImpersonation !== true,
    },
    {
      setting: `transfer.${side}.impersonate_as`,
      values: 'any, when the connection says impersonation: "ignore"',
      harm: 'inert',
      sentence: 'is ignored, as the connection says; work is done by its own account',
      asked: ({ transfer }, ends) =>
        transfer[side].impersonate_as !== undefined && ends[side]?.ignoresImpersonation === true,
    },
    {
      setting: `transfer.${side}.type`,
      values: 'file, control_file, control_endpoint, custom',
      harm: 'harmful',
      sentence: 'only directory can be transferred; another type means other content than the folder',
      asked: ({ transfer }) => (transfer[side].type ?? 'directory') !== 'directory',
    },
    {
      setting: `transfer.${side}.target`,
      values: 'uri or item without path',
      harm: 'harmful',
      sentence: 'only path is understood; without it the whole of the connection would be meant',
      asked: ({ transfer: { [side]: end } }) =>
        end.target !== undefined &&
        end.target.path === undefined &&
        (end.target.uri !== undefined || end.target.item !== undefined),
    },
    {
      setting: `transfer.${side}.size_estimate`,
      values: 'any',
      harm: 'inert',
      sentence: 'is not used; progress tells what was found so far',
      asked: ({ transfer }) => transfer[side].size_estimate !== undefined,
    },
    {
      setting: `transfer.${side}.options`,
      values: 'any',
      harm: 'inert',
      sentence: 'these platforms have no settings of a job; those of the connection hold',
      asked: ({ transfer }) => Object.keys(transfer[side].options ?? {}).length > 0,
    },
    {
      setting: `transfer.${side}.authenticate`,
      values: 'any',
      harm: 'harmful',
      sentence: 'signing in is up to the connection; as another account the job might see and do something else',
      asked: ({ transfer }) => transfer[side].authenticate !== undefined || transfer[side].authenicate !== undefined,
    },
  ]),
  ...mapTypes.flatMap((type): Gap[] => [
    {
      setting: `transfer.${type}`,
      values: 'map_by.ldap, ldap.servers',
      harm: 'harmful',
      sentence: 'LDAP directories are not asked yet; somebody could be taken for somebody else',
      asked: (job, ends) => {
        const map = mapOf(job, type, ends)
        return map?.map_by?.ldap === true || (map?.ldap?.servers?.length ?? 0) > 0
      },
    },
    {
      setting: `transfer.${type}`,
      values: 'somebody known by external_id alone',
      harm: 'harmful',
      sentence:
        'nobody is looked up by external_id, so an exclusion or exception would not hold; give id, email, username or name',
      asked: (job, ends) => peopleOf(mapOf(job, type, ends)).some(isUnfindable),
    },
    {
      setting: `transfer.${type}`,
      values: 'map_by.fuzzy, map_by.external_passthrough, map_by.passthrough',
      harm: 'inert',
      sentence:
        'nobody is guessed (fuzzy) or carried over unresolved (passthrough); whoever is left counts as unmapped',
      asked: (job, ends) => {
        const by = mapOf(job, type, ends)?.map_by
        return by?.fuzzy === true || by?.external_passthrough === true || by?.passthrough === true
      },
    },
    {
      setting: `transfer.${type}`,
      values: 'map_by.built_in',
      harm: 'inert',
      sentence:
        'owner, owning group and everyone are always carried as such; other well-known identities are matched by name',
      asked: (job, ends) => mapOf(job, type, ends)?.map_by?.built_in === true,
    },
    ...(type === 'account_map' ? [] : [groupsByUsername]),
    {
      setting: `transfer.${type}`,
      values: 'source.default',
      harm: 'inert',
      sentence: 'source.default stands in on the way from destination to source, which a copy never goes',
      asked: (job, ends) => mapOf(job, type, ends)?.source?.default !== undefined,
    },
    {
      setting: `transfer.${type}`,
      values: 'unmapped_policy add',
      harm: 'inert',
      sentence: 'no accounts or groups are made; whoever is unmapped is reported (unmapped_policy)',
      asked: (job, ends) => mapOf(job, type, ends)?.unmapped_policy === 'add',
    },
  ]),
  {
    setting: 'schedule',
    values: 'fields of auto with another mode',
    harm: 'inert',
    sentence: 'days, windows, dates and repeats mean something with mode auto only',
    asked: ({ schedule }) =>
      schedule !== undefined &&
      schedule.mode !== 'auto' &&
      Object.keys(schedule).some((key) => !['mode', 'max_execution', 'time_zone'].includes(key)),
  },
  {
    setting: 'schedule.run_at',
    values: 'beside repeat_interval or start_window',
    harm: 'inert',
    sentence: 'is the only time a run starts at; repeat_interval and start_window beside it have no effect',
    asked: ({ schedule }) =>
      schedule?.run_at !== undefined && (schedule.repeat_interval !== undefined || schedule.start_window !== undefined),
  },
  {
    setting: 'priority',
    values: 'any but 0',
    harm: 'inert',
    sentence: 'jobs do not wait for each other, so none goes first',
    asked: ({ priority }) => priority !== undefined && priority !== 0,
  },
  {
    setting: 'retention',
    values: 'any',
    harm: 'inert',
    sentence: 'nothing is purged; audit logs are kept',
    asked: ({ retention }) => retention !== undefined,
  },
  {
    setting: 'notifications',
    values: 'any',
    harm: 'inert',
    sentence: 'nobody is notified',
    asked: ({ notifications }) => notifications !== undefined,
  },
  {
    setting: 'scheduler',
    values: 'any but the default one, -1',
    harm: 'inert',
    sentence: 'there is one scheduler, which runs every job',
    asked: ({ scheduler }) => scheduler !== undefined && (scheduler as { id?: unknown } | null)?.id !== -1,
  },
  {
    setting: 'convention',
    values: 'any',
    harm: 'inert',
    sentence: 'is for mapping jobs',
    asked: ({ convention }) => convention !== undefined,
  },
]

function hasOtherWildcards(rule: RuleDocument): boolean {
  if (rule.type === 'filter_rule') return rule.rules.some(hasOtherWildcards)
  return rule.type === 'filter_pattern' && /[?[]/.test(rule.text)
}

function asksFor(type: RuleDocument['type'], rule: RuleDocument): boolean {
  return rule.type === type || (rule.type === 'filter_rule' && rule.rules.some((inner) => asksFor(type, inner)))
}

type Person = NonNullable<NonNullable<MapDocument['source']>['default']>

/** Everybody a map names. */
function peopleOf(map: Partial<MapDocument> | undefined): Person[] {
  const ends = [map?.source, map?.destination]
  return [
    ...(map?.exceptions ?? []).flatMap(({ source, destination }) => [source, destination]),
    ...ends.flatMap((end) => [
      ...(end?.default ? [end.default] : []),
      ...(end?.exclusions ?? []).map(({ sid }) => sid),
    ]),
  ]
}

function isUnfindable({ id, email, username, name, caption }: Person): boolean {
  return [id, email, username, name, caption].every((value) => value === undefined)
}

function mapOf(job: JobDocument, type: MapType, ends: Ends): Partial<MapDocument> | undefined {
  const stored = type === 'account_map' ? ends.accountMap : ends.groupMap
  const inline = job.transfer[type]
  if (stored !== undefined) return stored
  return inline === undefined || 'id' in inline ? undefined : inline
}
