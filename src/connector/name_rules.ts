import type { NameRules } from './capabilities.ts'

/** Names as file systems of Unix have them. */
export const posixNames: NameRules = {
  unicode: 'bytes',
  caseSensitive: true,
  duplicateNames: false,
  invalid: '/\0',
  leading: '',
  trailing: '',
  controls: false,
  reserved: ['.', '..'],
  reservedStems: false,
  invalidExtensions: [],
  maxSegment: { n: 255, unit: 'bytes', escapes: true },
}

const devices = ['CON', 'CONIN$', 'CONOUT$', 'PRN', 'AUX', 'NUL']

const digits = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '¹', '²', '³']

/** Names as Windows takes them, wherever they are stored. */
export const windowsNames: NameRules = {
  unicode: 'bytes',
  caseSensitive: false,
  duplicateNames: false,
  // U+FFFD stands for what is no text at all, a byte that is no UTF-8 first of all.
  invalid: '<>:"/\\|?*\0\ufffd',
  leading: '',
  trailing: '. ',
  controls: true,
  reserved: ['.', '..', ...devices, ...digits.flatMap((d) => [`COM${d}`, `LPT${d}`])],
  reservedStems: true,
  invalidExtensions: [],
  maxSegment: { n: 255, unit: 'utf16' },
}
