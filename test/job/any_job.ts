import fc from 'fast-check'

/** Documents that lean on every block of the schema, right and wrong values mixed. */
export function anyDocument(): fc.Arbitrary<unknown> {
  const word = fc.constantFrom(
    'none', 'add', 'diff', 'copy', 'sync', 'default', 'all', 'item', 'true', 'false', 'everyday', 'monday', 'auto',
    'manual', '5', '20:30', '15m', '2026-01-31', 'filter_hidden', 'pattern', 'filter_rule', 'a', '',
  ) // prettier-ignore
  const scalar = fc.oneof(
    word,
    fc.boolean(),
    fc.integer({ min: -2, max: 20_000 }),
    fc.double(),
    fc.constant(null),
    fc.string({ maxLength: 8 }),
  )
  const key = fc.constantFrom(...keys)
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      scalar,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(
        fc.oneof({ weight: 9, arbitrary: key }, { weight: 1, arbitrary: fc.string({ maxLength: 5 }) }),
        tie('value'),
        {
          maxKeys: 5,
        },
      ),
    ),
  }))
  const side = fc.record(
    {
      connection: fc.oneof(fc.constant({ id: 'a' }), fc.constant({ platform: 'fs', auth: { root: '/' } }), value),
      target: value,
    },
    { requiredKeys: ['connection'] },
  )
  const transfer = fc
    .tuple(fc.dictionary(key, value, { maxKeys: 4 }), side, side)
    .map(([more, source, destination]) => ({ source, destination, ...more }))
  return fc.oneof(
    value,
    fc
      .tuple(fc.dictionary(key, value, { maxKeys: 2 }), transfer)
      .map(([more, wanted]) => ({ ...more, transfer: wanted })),
  )
}

/** Documents without a wrong value, in lenient and in plain forms, some with unknown keys. */
export function goodDocument(): fc.Arbitrary<Record<string, unknown>> {
  const flag = fc.constantFrom(true, false, 'true', 'false')
  const rule = fc.constantFrom<unknown>(
    { type: 'shared' },
    { type: 'filter_hidden', coulour: 1 },
    { type: 'pattern', text: '*.tmp', targets: 'item' },
    { type: 'filter_extension', extensions: 'txt' },
    { type: 'group', groups: ['audio'] },
    { type: 'filter_size', min: '5', max: 1e15 },
    { type: 'date', targets: ['all'], range: { value: '3' } },
    { type: 'filter_date', range: { from: '2020-01-01', type: 'range' } },
    { type: 'filter_path', path: '/a', paths: ['/b'] },
    { rules: { type: 'hidden' }, action: 'include' },
  )
  const transfer = {
    transfer_type: fc.constantFrom('copy', 'sync', 'default'),
    large_item: fc.constantFrom('skip', 'fail'),
    delete_propagation: fc.constantFrom<unknown>('mirror', ['ignore_both']),
    timestamps: flag,
    permissions: fc.constantFrom<unknown>('add', { policy: 'none', links: 'true', frobnicate: 1 }),
    permissions_import: fc.constant({ source: { text: { target: { path: '/x' } } } }),
    max_items_per_container: fc.constantFrom<unknown>('10', 10_000),
    filter: fc.record({
      source: fc.array(fc.record({ rules: fc.array(rule, { minLength: 1 }) })),
      destination: fc.constant(null),
    }),
    account_map: fc.constantFrom<unknown>({ id: 'm' }, { map_by: { displayname: 'true' }, name: 'x' }),
    versioning: fc.constant({ from_source: 3, from_destination: { limit: '4' } }),
    frobnicate: jsonWithoutPrototype(),
  }
  const beside = {
    name: fc.constantFrom('x', ''),
    schedule: fc.constantFrom<unknown>(
      { mode: 'auto', days: 'weekdays', end: '2030-01-01', start_window: '8:00', repeat_interval: '1.5 h' },
      { mode: 'manual', colour: 'blue' },
      null,
    ),
    category: fc.constantFrom<unknown>('Reports', { name: 'Reports' }),
    unheard_of: jsonWithoutPrototype(),
  }
  return fc
    .tuple(fc.record(transfer, { requiredKeys: [] }), fc.record(beside, { requiredKeys: [] }))
    .map(([wanted, more]) => ({
      ...more,
      transfer: {
        source: { connection: { platform: 'fs', auth: { root: '/a', x: null } }, target: '/a' },
        destination: { connection: { id: 'b' } },
        ...wanted,
      },
    }))
}

function jsonWithoutPrototype(): fc.Arbitrary<unknown> {
  return fc
    .jsonValue({ maxDepth: 2 })
    .filter((value) => !JSON.stringify(value).includes('__proto__'))
    .map((value) => ({ value: JSON.parse(JSON.stringify(value)) as unknown }))
}

const keys = [
  'transfer', 'schedule', 'stop_policy', 'category', 'name', 'kind', 'status', 'source', 'destination', 'connection', 'id',
  'platform', 'auth', 'impersonate_as', 'target', 'path', 'filter', 'rules', 'type', 'action', 'text', 'targets', 'range',
  'value', 'unit', 'from', 'to', 'min', 'max', 'extensions', 'groups', 'permissions', 'policy', 'links', 'import',
  'permissions_import', 'account_map', 'group_map', 'map_by', 'default', 'email', 'exceptions', 'exclusions', 'sid',
  'performance', 'upload', 'bytes_per_second', 'window', 'mode', 'days', 'run_at', 'hr', 'repeat_interval', 'transfer_type',
  'large_item', 'timestamps', 'versioning', 'from_source', 'delete_propagation', 'metadata_map', 'retention', 'duration',
] // prettier-ignore
