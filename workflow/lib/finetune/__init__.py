"""Stage 7: fine-tuning."""
