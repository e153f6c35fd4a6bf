// The temperature of contrast: where it begins and what it stays within (models/blip_retrieval.py, blip_pretrain.py).
export const firstTemperature = 0.07;

export const temperatureBounds = { lowest: 0.001, highest: 0.5 } as const;
