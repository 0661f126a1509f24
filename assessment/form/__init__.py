"""Forms of the department as editable data: their fields, and what is wrong with answers."""

from assessment.form.form import Form, FormField, FormSection, forms, problems_vi

__all__ = ["Form", "FormField", "FormSection", "forms", "problems_vi"]
