import { expect, test } from 'vitest';
import { parseProfile, readProfile } from '../../../src/config/profile-file.ts';
import { profileText } from '../../../src/config/profile-text.ts';

test('a profile that was written is read back as it was', async () => {
  const profile = { ...(await readProfile('llama-3.1-8b-h100')), validity: `Estimate: ${'a long text, '.repeat(30)}` };
  expect(parseProfile(profileText(profile))).toStrictEqual({ ok: true, value: profile });
});
