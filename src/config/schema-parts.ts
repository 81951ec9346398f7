/** Parts of JSON schemas that the policy files share. */
export const maxInt32 = 2_147_483_647;

export const whole = (minimum: number, maximum: number): object => ({ type: 'integer', minimum, maximum });
export const withDefault = (minimum: number, maximum: number, fallback: number): object => ({
  ...whole(minimum, maximum),
  default: fallback,
});
export const oneOf = (...names: readonly string[]): object => ({ type: 'string', enum: names });
export const listOf = (items: object, maxItems: number): object => ({ type: 'array', minItems: 1, maxItems, items });

export const closed = (properties: Readonly<Record<string, object>>, required: readonly string[]): object => ({
  type: 'object',
  additionalProperties: false,
  properties,
  required,
});
/** Every property is required but those named. */
export const whollyClosed = (properties: Readonly<Record<string, object>>, optional: readonly string[] = []): object =>
  closed(
    properties,
    Object.keys(properties).filter((name) => !optional.includes(name)),
  );

const rate = whollyClosed({ type: oneOf('Pods', 'Percent'), value: whole(1, maxInt32), periodSeconds: whole(1, 1800) });
const rules = whollyClosed({
  stabilizationWindowSeconds: whole(0, 3600),
  selectPolicy: oneOf('Max', 'Min', 'Disabled'),
  policies: listOf(rate, 16),
});
export const behavior: object = whollyClosed({ scaleUp: rules, scaleDown: rules });
