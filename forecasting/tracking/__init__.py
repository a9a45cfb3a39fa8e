"""MLflow as a review desk: what a run logs, and who becomes champion."""
