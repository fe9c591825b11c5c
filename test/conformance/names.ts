import type { NameRules } from '../../src/connector/capabilities.ts'

const controls = Array.from({ length: 31 }, (_, i) => `ctl${String.fromCharCode(i + 1)}x`)
const punctuation = [...'!"#$%&\'()*+,-:;<=>?@[\\]^_`{|}~'].map((c) => `a${c}b`)
const edges = [' ', '\r', '\n', '\t', '\v', '.', '~'].flatMap((c) => [`${c}leading`, `trailing${c}`])
const reserved = [
  'CON',
  'con.txt',
  'CONIN$',
  'conout$.txt',
  'PRN',
  'aux',
  'NUL.tar.gz',
  'COM1',
  'lpt9.log',
  'COM0',
  'LPT¹',
  'desktop.ini',
  '.lock',
  '_vti_',
  'forms',
]
const scripts = [
  'Ünïcödé',
  'Grüße & Küsse',
  '日本語の名前',
  'العربية',
  'עברית',
  'ไทย',
  'Ελληνικά',
  '🚀 rocket 🇨🇭',
  '👨‍👩‍👧‍👦',
  'a\u200Bb',
  '\u202Ertl.txt',
  '\uFEFFbom',
  'ﬁ ligature',
  'ß',
  'İstanbul',
  '\u{10FFFF}',
  'zalgo\u0301\u0302\u0303',
]
const hostile = [
  'test%46.txt',
  '%2e%2e',
  '..\\up',
  '...',
  '..x',
  '-rf',
  '--',
  '$(id)',
  '`id`',
  "'; DROP TABLE items;--",
  '<script>alert(1)</script>',
  'a//b',
  '.~kit-1',
  '*',
  '{{name}}',
  'C:\\x',
  'file:stream',
  '\\\\server\\share',
  'null',
  'undefined',
  '__proto__',
  'constructor',
  '0',
  '-0',
  '1e5',
]

/** After the encoding set of rclone's FsEncoding, the Big List of Naughty Files, SharePoint's rules, and what a shell or a database trips over. */
export const corpus: readonly string[] = [...controls, ...punctuation, ...edges, ...reserved, ...scripts, ...hostile]

/** What the rules say of a name, worked out here a second time. */
export function isAllowed(name: string, rules: NameRules): boolean {
  if (name === '' || [...rules.invalid].some((c) => name.includes(c))) return false
  if (rules.controls && [...name].some((c) => c < ' ' || c === '\x7f')) return false
  if ([...rules.leading].some((c) => name.startsWith(c)) || [...rules.trailing].some((c) => name.endsWith(c)))
    return false
  const stem = rules.reservedStems ? name.split('.')[0] : name
  if (rules.reserved.some((r) => r.toLowerCase() === stem?.toLowerCase())) return false
  return !rules.invalidExtensions.some((e) => name.toLowerCase().endsWith(`.${e}`))
}
