import { expect, test } from '@jest/globals'
import { isSecretKey } from '../../src/secret/secret_key.ts'
import { holdsSecret } from '../../src/secret/secret_text.ts'

test.each([
  ['of a database', 'Server=db;User Id=sa;Password=hunter2;'],
  [
    'of a storage account',
    'DefaultEndpointsProtocol=https;AccountName=x;AccountKey=Zm9v==;EndpointSuffix=core.windows.net',
  ],
  ['of a service bus', 'Endpoint=sb://x/;SharedAccessKeyName=n;SharedAccessKey=hunter2'],
  ['of a cache', 'cache.example:6380,password=hunter2,ssl=True'],
  ['of a driver, in braces', 'Driver={SQL Server};PWD={hunter2}'],
  ['with spaces in the password', 'Server=db;Password=my pass phrase'],
  ['amid words', 'It connects with Server=db;Password=hunter2'],
  ['in quotes', 'see "Server=db;Password=hunter2"'],
  ['whose other parts are no assignments', 'host.example;Password=hunter2;timeout'],
  ['that is nothing else', 'AccountKey=Zm9vYmFy=='],
  ['in lines', 'DB_HOST=x\nDB_PASSWORD=hunter2'],
])('a connection string %s holds a secret', (_, text) => {
  expect(holdsSecret(text)).toBe(true)
})

test.each([
  'password',
  'ftp_password',
  'passWord2',
  'dbpassword',
  'smtp_pass',
  'PWD',
  'clientSecret',
  'secret_key',
  'SECRET-ACCESS-KEY',
  'apikey',
  'APIKey',
  'access_key',
  'shared_access_key_value',
  'accountKey',
  'apiToken',
  'token',
  'sas_token',
  'credentials',
  'credentials_json',
  'Authorization',
  'authorization_header',
  'set-cookie',
  'X-Amz-Signature',
])('the key %s names a secret', (key) => {
  expect(isSecretKey(key)).toBe(true)
})

test.each([
  'secretary',
  'secret_santa',
  'compass',
  'passport',
  'credential_type',
  'signature_image',
  'token_count',
  'tokens',
  'password_policy',
  'key',
  'keyboard',
  'monkey',
  'access_key_id',
  'bypass_codec',
  '',
  '_',
])('the key %j names none', (key) => {
  expect(isSecretKey(key)).toBe(false)
})

test('a private key is a secret', () => {
  expect(holdsSecret('-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----')).toBe(true)
  expect(holdsSecret('x -----BEGIN RSA PRIVATE KEY----- MIIE')).toBe(true)
  expect(holdsSecret('-----BEGIN CERTIFICATE-----\nMIIE')).toBe(false)
})

test('a key amid words is one', () => {
  expect(holdsSecret('please use AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMIK7MDENGbPxRfi for now')).toBe(true)
})

test.each([
  'https://x.blob.core.windows.net/c?sv=2022-11-02&sp=r&sig=hunter2%3D',
  '?sv=2022-11-02&sig=hunter2',
  'sv=2022-11-02&ss=b&sig=hunter2',
  'https://bucket.s3.amazonaws.com/key?X-Amz-Expires=60&X-Amz-Signature=hunter2',
  'BlobEndpoint=https://x;SharedAccessSignature=sv=2020&sig=hunter2',
  'the list is at https://host/list?access_token=hunter2 and elsewhere',
  'https://host/done#access_token=hunter2&type=bearer',
  'sftp://me:hunter2@host/a',
])('a signed address, or one with a password, holds a secret: %s', (text) => {
  expect(holdsSecret(text)).toBe(true)
})

test.each([
  ['a description', 'Passwords, secrets and access keys of the finance team'],
  ['a description', 'Set Password=… in the vault; then run it'],
  ['a description', 'the form says Password=required for all'],
  ['a description', 'password: see the vault; token bucket with the key=value pairs'],
  ['a description', 'token=economy'],
  ['a description', 'Budget;password=none;owner=me'],
  ['an example', 'Server=db;Password=***'],
  ['an example', 'Server=db;User Id=sa;Password=<your password>;'],
  ['an example', 'Server=db;Password=${DB_PASSWORD}'],
  ['an example', 'https://host/file?sig=<signature>&se=2026'],
  ['a connection string without one', 'Server=db;Integrated Security=true;Persist Security Info=False;Password='],
  ['a filter pattern', '*password*;*.key;secret*.txt'],
  ['a filter pattern', 'password=*;*.tmp'],
  ['a file name', 'Password=list.docx'],
  ['a path', '/lake/token=17/part-0.parquet'],
  ['a path', '/etc/Password=hunter2/x'],
  ['a path', 'C:\\keys\\password=1'],
  ['a condition', '[Password]=3 OR [Level]=4'],
  ['an assembly', 'System.Data, Version=4.0.0.0, PublicKeyToken=b77a5c561934e089'],
  ['a distinguished name', 'CN=Secret Keepers,OU=Password Admins,DC=corp,DC=example'],
  ['an address', 'https://host:8080/wiki?page=password&pageToken=5'],
  ['an address', 'https://user@host/a@2x.png'],
])('%s that speaks of one holds none: %s', (_, text) => {
  expect(holdsSecret(text)).toBe(false)
})

test('a megabyte takes no time, whatever it is made of', () => {
  const started = performance.now()
  for (const part of [
    '-----BEGIN A',
    'PRIVATE KEY',
    '=',
    'a=',
    ';a=b',
    '&a=b',
    '://a:',
    'token=',
    ' ',
    '"',
    '?',
    '-',
    'x= ',
  ])
    expect(holdsSecret(`x=a${part.repeat(1_000_000 / part.length)}a`)).toBe(false)
  expect(performance.now() - started).toBeLessThan(10_000)
})
