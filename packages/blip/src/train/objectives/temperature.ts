// The initial value and the bounds of ITC's temperature (models/blip_retrieval.py, blip_pretrain.py).
export const firstTemperature = 0.07;

export const temperatureBounds = { lowest: 0.001, highest: 0.5 } as const;
