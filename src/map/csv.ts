import { readSid, sameSid, sidKey, type Sid } from './sid.ts'

export interface CsvProblem {
  /** From 1, as an editor counts. */
  line: number
  /** The column's name, or its number from 1 where it has none. */
  column: string
  problem: string
}

export interface CsvRows<Row> {
  rows: Row[]
  /** With any of these the file as a whole is refused: half a map sends things to the wrong people. */
  problems: CsvProblem[]
}

const fields = ['id', 'username', 'name', 'caption'] as const
const exceptionColumns = [...fields.map((field) => `source_${field}`), ...fields.map((field) => `destination_${field}`)]

/**
 * Reads the exceptions of a map: one row per pair, every field in double quotes, backslashes doubled.
 *
 * @see reference: maps-filters-connections 3.5
 */
export function readExceptionsCsv(text: string, type: 'account' | 'group'): CsvRows<{ source: Sid; destination: Sid }> {
  const first = new Map<string, { destination: Sid; line: number }>()
  return read(text, exceptionColumns, (row, at, line) => {
    const source = readSid({ ...part(row, 'source_'), type })
    const destination = readSid({ ...part(row, 'destination_'), type })
    if (!source) return at('source_id', 'nobody: all source fields are empty')
    if (!destination) return at('destination_id', 'nobody: all destination fields are empty')
    const before = first.get(sidKey(source))
    if (before && !sameSid(before.destination, destination))
      return at('destination_id', `sends somebody elsewhere than line ${before.line} does`)
    if (!before) first.set(sidKey(source), { destination, line })
    return { source, destination }
  })
}

/** Reads the exclusions of one side of a map: `id,username,name,caption`. */
export function readExclusionsCsv(text: string, type: 'account' | 'group'): CsvRows<{ sid: Sid }> {
  return read(text, fields, (row, at) => {
    const sid = readSid({ ...row, type })
    return sid ? { sid } : at('id', 'nobody: all fields are empty')
  })
}

type At = (column: string, problem: string) => CsvProblem

function read<Row extends object>(
  text: string,
  columns: readonly string[],
  make: (row: Record<string, string>, at: At, line: number) => Row | CsvProblem,
): CsvRows<Row> {
  const { records, problems } = split(text)
  const header = records.shift()
  if (!header)
    return {
      rows: [],
      problems: [...problems, { line: 1, column: '1', problem: `no header; expected ${columns.join(',')}` }],
    }
  const names = header.values.map((name) => name.trim().toLowerCase())
  for (const [i, name] of names.entries()) {
    const known = columns.includes(name)
    const problem = known ? 'appears twice' : `unknown column ${JSON.stringify(name)}; expected ${columns.join(',')}`
    if (!known || names.indexOf(name) !== i) problems.push({ line: header.line, column: `${i + 1}`, problem })
  }
  const rows: Row[] = []
  if (problems.length > 0) return { rows, problems }
  for (const { line, values } of records) {
    if (values.length !== names.length) {
      problems.push({
        line,
        column: `${values.length}`,
        problem: `${values.length} fields; the header has ${names.length}`,
      })
      continue
    }
    const row: Record<string, string> = {}
    for (const [i, name] of names.entries()) row[name] = (values[i] ?? '').replaceAll('\\\\', '\\')
    const made = make(row, (column, problem) => ({ line, column, problem }), line)
    if ('problem' in made) problems.push(made as CsvProblem)
    else rows.push(made)
  }
  return { rows, problems }
}

interface CsvRecord {
  line: number
  values: string[]
}

/** Splits by commas and line ends outside quotes; a quote inside quotes is doubled. */
function split(text: string): { records: CsvRecord[]; problems: CsvProblem[] } {
  const records: CsvRecord[] = []
  const problems: CsvProblem[] = []
  let line = 1
  let at = text.startsWith('\ufeff') ? 1 : 0
  while (at < text.length) {
    const record: CsvRecord = { line, values: [] }
    for (let more = true; more;) {
      let value = ''
      const quotedAt = line
      if (text[at] === '"') {
        at += 1
        for (;;) {
          const end = text.indexOf('"', at)
          if (end < 0) {
            problems.push({ line: quotedAt, column: `${record.values.length + 1}`, problem: 'its quote never closes' })
            return { records, problems }
          }
          value += text.slice(at, end)
          at = end + 1
          if (text[at] !== '"') break
          value += '"'
          at += 1
        }
        line += count(value)
        if (at < text.length && !',\r\n'.includes(text[at] ?? '')) {
          problems.push({ line, column: `${record.values.length + 1}`, problem: 'text after the closing quote' })
          at = endOfField(text, at)
        }
      } else {
        const end = endOfField(text, at)
        value = text.slice(at, end)
        if (value.includes('"'))
          problems.push({ line, column: `${record.values.length + 1}`, problem: 'a quote inside a bare field' })
        at = end
      }
      record.values.push(value)
      more = text[at] === ','
      if (more) at += 1
    }
    if (text[at] === '\r') at += 1
    if (text[at] === '\n') at += 1
    line += 1
    if (record.values.length > 1 || record.values[0] !== '') records.push(record)
  }
  return { records, problems }
}

function endOfField(text: string, from: number): number {
  let at = from
  while (at < text.length && !',\r\n'.includes(text[at] ?? '')) at += 1
  return at
}

function count(value: string): number {
  return value.split('\n').length - 1
}

function part(row: Record<string, string>, prefix: string): Record<string, string> {
  const named: Record<string, string> = {}
  for (const [column, value] of Object.entries(row))
    if (column.startsWith(prefix)) named[column.slice(prefix.length)] = value
  return named
}
