"""Services that draw the curves of runs: TensorBoard, Weights & Biases, MLflow."""
