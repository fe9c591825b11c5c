import { defaults } from './defaults.ts'
import type { JobDocument } from './document.ts'
import type { FilterDocument, RuleDocument, RuleGroup } from './filter.ts'
import { weekdays } from './schedule_of.ts'
import { timeOfDayMs } from './times.ts'
import type { DateRange, DateTarget, FilterRule, FilterSetting, Settings } from './settings.ts'

/** What the document asks for, with every default filled in. */
export function settingsOf({ transfer }: Pick<JobDocument, 'transfer'>): Settings {
  const { permissions = {}, versioning = {} } = transfer
  return {
    transferType: transfer.transfer_type ?? defaults.transfer_type,
    auditLevel: transfer.audit_level ?? defaults.audit_level,
    batchMode: transfer.batch_mode ?? defaults.batch_mode,
    conflictResolution: transfer.conflict_resolution ?? defaults.conflict_resolution,
    deletePropagation: transfer.delete_propagation ?? defaults.delete_propagation,
    failurePolicy: transfer.failure_policy ?? defaults.failure_policy,
    largeItem: transfer.large_item ?? defaults.large_item,
    lockPropagation: transfer.lock_propagation ?? defaults.lock_propagation,
    ...(transfer.max_items_per_container === undefined
      ? {}
      : { maxItemsPerContainer: transfer.max_items_per_container }),
    parallelWrites: transfer.performance?.parallel_writes?.requested,
    bandwidth: {
      ...bandwidthOf('upload', transfer.performance?.upload),
      ...bandwidthOf('download', transfer.performance?.download),
    },
    permissions: {
      policy: permissions.policy ?? defaults.permissions.policy,
      links: permissions.links ?? defaults.permissions.links,
      failures: permissions.failures ?? defaults.permissions.failures,
    },
    preserveOwners: transfer.preserve_owners ?? defaults.preserve_owners,
    preserveDestinationRootOwner: transfer.preserve_destination_root_owner ?? defaults.preserve_destination_root_owner,
    timestamps: transfer.timestamps ?? defaults.timestamps,
    emptyContainers: transfer.empty_containers ?? defaults.empty_containers,
    duplicateNames: transfer.duplicate_names ?? defaults.duplicate_names,
    itemOverwrite: transfer.item_overwrite ?? defaults.item_overwrite,
    restrictedContent: transfer.restricted_content ?? defaults.restricted_content,
    segmentTransform: transfer.segment_transform ?? defaults.segment_transform,
    encodeInvalidCharacters: transfer.encode_invalid_characters ?? defaults.encode_invalid_characters,
    segmentTruncate: transfer.segment_truncate ?? defaults.segment_truncate,
    versioning: {
      preserve: versioning.preserve ?? defaults.versioning.preserve,
      select: versioning.select ?? defaults.versioning.select,
    },
    filter: filtersOf(transfer.filter),
    simulationMode: transfer.simulation_mode ?? defaults.simulation_mode,
    // What leaves the source must survive a power cut at the destination first (brake 5).
    durability: transfer.transfer_type === 'move' ? 'power' : (transfer.durability ?? defaults.durability),
  }
}

type BandwidthDocument = NonNullable<JobDocument['transfer']['performance']>['upload']

function bandwidthOf(way: 'upload' | 'download', given: BandwidthDocument): Settings['bandwidth'] {
  if (!given) return {}
  const windows = (given.window ?? []).map(({ bytes_per_second, time, start_time, end_time, days }) => {
    const from = time ?? start_time
    return {
      bytesPerSecond: Number(bytes_per_second ?? 0),
      days: weekdays(days ?? ['everyday']),
      fromMs: from === undefined ? 0 : timeOfDayMs(from),
      ...(end_time === undefined ? {} : { toMs: timeOfDayMs(end_time) }),
    }
  })
  return { [way]: { bytesPerSecond: Number(given.bytes_per_second ?? 0), windows } }
}

function filtersOf(filter: FilterDocument | undefined): Settings['filter'] {
  return {
    source: (filter?.source ?? []).map((filter) => filterSetting(filter)),
    destination: (filter?.destination ?? []).map((filter) => filterSetting(filter)),
  }
}

/** @param outer a nested group that does not say what it does does what the one around it does */
function filterSetting({ action, rules }: RuleGroup, outer: FilterSetting['action'] = 'exclude'): FilterSetting {
  const does = action ?? outer
  return { action: does, rules: rules.map((rule) => filterRule(rule, does)) }
}

function filterRule(rule: RuleDocument, outer: FilterSetting['action']): FilterRule {
  switch (rule.type) {
    case 'filter_shared':
    case 'filter_hidden':
      return { type: rule.type }
    case 'filter_pattern':
      return { type: rule.type, text: rule.text, targets: itemTargets(rule.targets ?? ['all']) }
    case 'filter_extension':
      return { type: rule.type, extensions: rule.extensions.map((e) => e.replace(/^\./, '').toLowerCase()) }
    case 'filter_group':
      return { type: rule.type, groups: rule.groups }
    case 'filter_size':
      return {
        type: rule.type,
        ...(rule.min === undefined ? {} : { minBytes: BigInt(rule.min) }),
        ...(rule.max === undefined ? {} : { maxBytes: BigInt(rule.max) }),
      }
    case 'filter_date':
      return {
        type: rule.type,
        targets: dateTargets(rule.targets ?? [defaults.date_target]),
        range: dateRange(rule.range),
      }
    case 'filter_path':
      return { type: rule.type, paths: rule.paths }
    case 'filter_metadata':
      return {
        type: rule.type,
        ...(rule.filter === undefined ? {} : { filter: rule.filter }),
        ...(rule.text === undefined ? {} : { text: rule.text }),
      }
    case 'filter_rule':
      return { type: rule.type, ...filterSetting(rule, outer) }
  }
}

function itemTargets(words: readonly ('container' | 'item' | 'all' | 'none')[]): ('container' | 'item')[] {
  return (['container', 'item'] as const).filter((target) => words.includes('all') || words.includes(target))
}

function dateTargets(words: readonly (DateTarget | 'all' | 'none')[]): DateTarget[] {
  const targets = ['created_on', 'modified_on', 'accessed_on'] as const
  return targets.filter((target) => words.includes('all') || words.includes(target))
}

type RangeDocument = Extract<RuleDocument, { type: 'filter_date' }>['range']

function dateRange(range: RangeDocument): DateRange {
  if (range.type !== 'range') return { type: range.type, value: range.value }
  const { from, to } = range
  return {
    type: range.type,
    ...(from === undefined ? {} : { fromSeconds: from }),
    ...(to === undefined ? {} : { toSeconds: to }),
  }
}
